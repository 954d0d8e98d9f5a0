// MediaPipe Tasks in a browser; README.md says what lies where.
import {FilesetResolver, ImageClassifier} from
  "./node_modules/@mediapipe/tasks-vision/vision_bundle.mjs";
import {square} from "./pixels.mjs";

const PACKAGE = "node_modules/@mediapipe/tasks-vision/wasm";
const model = new Uint8Array(
  await (await fetch("student.tflite")).arrayBuffer());
const classifier = await ImageClassifier.createFromOptions(
  await FilesetResolver.forVisionTasks(PACKAGE),
  {baseOptions: {modelAssetBuffer: model}, maxResults: 3});

// keras_artkd.json lies in the model as it is, in an archive at its end.
const text = new TextDecoder("latin1").decode(model);
const settings = Object.fromEntries(
  ["short_side", "crop_size", "image_size"].map((name) =>
    [name, Number(text.match(`"${name}": (\\d+)`)[1])]));

// MediaPipe would stretch the whole picture, and skip pixels.
async function read(file) {
  const picture = await createImageBitmap(file); // Upright, as EXIF says.
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
  const {width, data} = square(
    context.getImageData(0, 0, canvas.width, canvas.height), settings);
  return new ImageData(data, width);
}

const files = document.querySelector("#files");
files.addEventListener("change", async () => {
  const answers = document.querySelector("#answers");
  answers.replaceChildren();
  for (const file of files.files) {
    const result = classifier.classify(await read(file));
    const name = answers.appendChild(document.createElement("dt"));
    name.textContent = file.name;
    for (const {categoryName, score} of result.classifications[0].categories) {
      const line = answers.appendChild(document.createElement("dd"));
      line.textContent = `${(100 * score).toFixed(1)} % ${categoryName}`;
    }
  }
  answers.dataset.done = files.files.length;
});
files.disabled = false;
