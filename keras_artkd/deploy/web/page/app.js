// The page: pictures in, names with bars out. All text of others is set as
// text, never as HTML.

import { connectCamera } from "./camera.js";
import { openClassifier } from "./classifier.js";
import { drawFalls, look } from "./look.js";
import { keepOffline } from "./offline.js";

const MOST = 5;
const find = (selector) => document.querySelector(selector);
const status = find("#status");
const results = find("#results");
const percent = new Intl.NumberFormat("en", {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

find("#unserved").remove();
// To compare: page/?device=wasm, or webgpu.
const asked = new URLSearchParams(location.search).get("device");
const device = ["wasm", "webgpu"].find((each) => each === asked);
export const opening = openClassifier(device);
// Pictures are classified one after the other.
let queue = opening.then(show, (error) => {
  status.textContent = "";
  complain(`The network cannot be loaded: ${error.message}`);
});

async function show({ settings, device }) {
  const names = settings.class_names;
  const kinds = names.length === 1 ? "1 class" : `${names.length} classes`;
  status.textContent = `Ready. The network knows ${kinds}.`;
  addFact("Classes", names.join(", "));
  const side = settings.image_size;
  addFact("Sees", `${side} × ${side} pixels, cut from the middle`);
  const where = device === "webgpu" ? "the GPU (WebGPU)" : "WebAssembly";
  addFact("Runs on", `${where}, with LiteRT.js (Apache License 2.0)`);
  await keepOffline(find("#runtime"));
}

function addFact(name, text) {
  const [term, description] = ["dt", "dd"].map((tag) =>
    document.createElement(tag));
  term.textContent = name;
  description.textContent = text;
  find("#facts").append(term, description);
}

fetch("MODEL_CARD.md")
  .then((response) => (response.ok ? response.text() : ""))
  // Without what is for machines at its top.
  .then((text) => (find("#card").textContent = text.replace(/^---.*?---\s*/s, "")))
  .catch(() => {})
  .finally(() => (find("#card").hidden = !find("#card").textContent));

function complain(sentence) {
  const line = document.createElement("p");
  line.textContent = sentence;
  find("#errors").append(line);
}

// --- Pictures in -----------------------------------------------------------

function add(files) {
  const pictures = [...files];
  find("#errors").replaceChildren();
  // The newest are the first, those that came together in their order.
  const before = results.firstChild;
  queue = queue.then(async () => {
    let answered = 0;
    for (const [index, file] of pictures.entries()) {
      if (pictures.length > 1) {
        status.textContent = `Picture ${index + 1} of ${pictures.length} …`;
      }
      answered += await classify(file, file.name || "picture", before);
      await pause(); // The page stays alive between pictures.
    }
    if (pictures.length > 1) {
      status.textContent = `${answered} of ${pictures.length} pictures answered.`;
    }
  });
}

// Whether there is an answer.
async function classify(file, name, before) {
  const classifier = await opening.catch(() => null);
  if (!classifier) return false; // The page says already why.
  try {
    const pixels = await classifier.read(file);
    const start = performance.now();
    const shares = await classifier.run(pixels);
    const took = performance.now() - start;
    const item = makeAnswer(classifier, name, pixels, shares, took);
    results.insertBefore(item, before?.parentNode ? before : null);
    find("#results-section").hidden = false;
    return true;
  } catch (error) {
    complain(`${name} ${error.message}`);
    return false;
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve));

// --- Answers out -----------------------------------------------------------

function makeAnswer(classifier, name, pixels, shares, took) {
  const names = classifier.settings.class_names;
  const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a]);
  const item = find("#answer").content.cloneNode(true).firstElementChild;
  const inside = (selector) => item.querySelector(selector);
  inside("h3").textContent = name;
  draw(inside(".pixels"), pixels, classifier.settings.image_size);
  inside(".pixels").ariaLabel = `The middle of ${name}`;
  inside(".classes").append(
    ...order.slice(0, MOST).map((i) => makeClass(names[i], shares[i])),
  );
  inside(".time").textContent = `${took.toFixed(1)} ms`;
  const best = order
    .slice(0, 3)
    .map((i) => `${names[i]} ${percent.format(shares[i])}`);
  status.textContent = `${name}: ${best.join(", ")}`;
  inside(".look").addEventListener("click", () =>
    toggleLook(classifier, item, pixels, names[order[0]], order[0]));
  inside(".remove").ariaLabel = `Remove ${name}`;
  inside(".remove").addEventListener("click", () => remove([item]));
  return item;
}

function makeClass(name, share) {
  const line = find("#class").content.cloneNode(true).firstElementChild;
  line.querySelector(".name").textContent = name;
  line.querySelector(".share").textContent = percent.format(share);
  line.querySelector("i").style.width = `${100 * share}%`;
  return line;
}

function draw(canvas, pixels, side) {
  canvas.width = canvas.height = side;
  const image = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    image.data.set(pixels.subarray(3 * i, 3 * i + 3), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

async function toggleLook(classifier, item, pixels, name, index) {
  const button = item.querySelector(".look");
  const heat = item.querySelector(".heat");
  const words = item.querySelector(".looked");
  if (button.ariaPressed === "true") {
    button.ariaPressed = "false";
    heat.width = 0;
    words.textContent = "";
    return;
  }
  button.disabled = true;
  try {
    const found = await look(classifier, pixels, index, (share) => {
      words.textContent = `Covering its parts … ${Math.round(100 * share)}%`;
      return pause();
    });
    button.ariaPressed = "true";
    const [before, after] = [found.before, found.after].map(percent.format);
    if (found.before - found.after < 0.01) {
      words.textContent = `No part decides alone: whatever is covered, “${name}”
        loses less than one point.`;
    } else {
      drawFalls(heat, found.falls);
      words.textContent = `Parts were covered with the picture's mean colour,
        one after the other. Where it stays bright, “${name}” loses by it: most
        at the ${found.place}, from ${before} to ${after}.`;
    }
  } catch (error) {
    words.textContent = `It cannot be said: ${error.message}`;
  } finally {
    button.disabled = false;
  }
}

function remove(items) {
  items.forEach((item) => item.remove());
  find("#results-section").hidden = !results.childElementCount;
  status.textContent = items.length > 1 ? "All removed." : "Removed.";
  (results.querySelector(".remove") ?? find("#files")).focus();
}

// --- Ways in ---------------------------------------------------------------

function addOr(sentence, files) {
  if (files.length) add(files);
  else complain(sentence);
}

find("#files").addEventListener("change", (event) => {
  if (event.target.files.length) add(event.target.files);
  event.target.value = ""; // The same file can be chosen again.
});
find("#clear").addEventListener("click", () => remove([...results.children]));
document.addEventListener("paste", (event) => {
  addOr("The clipboard holds no picture.", event.clipboardData.files);
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  addOr("What was dropped is no file.", event.dataTransfer.files);
});
let taken = 0;
connectCamera((blob) => {
  taken += 1;
  add([new File([blob], `camera ${taken}`, { type: blob.type })]);
}, complain);
