// The network: settings, model and LiteRT.js, on the GPU or in WebAssembly.

import { readPicture } from "./picture.js";

// How far a GPU's probabilities may be from WebAssembly's.
const TOLERANCE = 0.02;

// A classifier of pictures. `device` is "webgpu" or "wasm"; without it, the GPU
// is taken where it answers as WebAssembly does, and as fast.
export async function openClassifier(device) {
  const [settings, model, runtime] = await Promise.all([
    download("keras_artkd.json").then((response) => response.json()),
    download("model.tflite").then((response) => response.arrayBuffer()),
    openRuntime(device),
  ]);
  const open = async (accelerator) => {
    const compiled = await runtime.loadAndCompile(new Uint8Array(model), {
      accelerator,
      gpuOptions: { precision: "fp32" },
    });
    const { Tensor } = runtime;
    const classifier = new Classifier(settings, Tensor, compiled, accelerator);
    // The first run makes ready and takes longer.
    await classifier.run(noise(settings.image_size));
    return classifier;
  };
  if (device) return open(device);
  const onCpu = await open("wasm");
  if (!runtime.gpu) return onCpu;
  const onGpu = await open("webgpu").catch(() => null);
  return onGpu && (await isBetter(onGpu, onCpu)) ? onGpu : onCpu;
}

class Classifier {
  #Tensor;
  #Numbers;
  #model;
  #shape;

  constructor(settings, Tensor, model, device) {
    this.settings = settings;
    this.device = device;
    this.#Tensor = Tensor;
    this.#model = model;
    const [input] = model.getInputDetails();
    this.#shape = [...input.shape];
    // An int8 file takes pixels as they are, the others floats.
    this.#Numbers = input.dtype === "uint8" ? Uint8Array : Float32Array;
  }

  // The pixels of a picture that the network gets, RGB.
  read(blob) {
    return readPicture(blob, this.settings);
  }

  // Float32Array of the probability of each class.
  async run(pixels) {
    const input = new this.#Tensor(new this.#Numbers(pixels), this.#shape);
    try {
      const [output] = await this.#model.run([input]);
      try {
        return Float32Array.from(await output.data());
      } finally {
        output.delete();
      }
    } finally {
      input.delete();
    }
  }
}

async function openRuntime(device) {
  const url = import.meta.resolve("@litertjs/core");
  const runtime = await import(url);
  const gpu = device === "webgpu" || (!device && (await hasGpu()));
  await runtime.loadLiteRt(new URL("../wasm/", url).href, {
    // Where an operation is not for the GPU, it leaves it to WebAssembly.
    jspi: gpu && "Suspending" in WebAssembly,
  });
  return { ...runtime, gpu };
}

// Whether there is a GPU, and not a program that takes its place.
async function hasGpu() {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter && !adapter.info?.isFallbackAdapter);
}

async function download(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name} is not there.`);
  return response;
}

// Whether a classifier answers as another does, and as fast. Not every GPU
// computes right, and small networks end sooner than they reach it.
async function isBetter(first, second) {
  try {
    const [one, other] = [await time(first), await time(second)];
    const same = one.shares.every(
      (share, i) => Math.abs(share - other.shares[i]) <= TOLERANCE,
    );
    return same && one.took <= other.took;
  } catch {
    return false;
  }
}

async function time(classifier) {
  const pixels = noise(classifier.settings.image_size);
  const start = performance.now();
  const shares = await classifier.run(pixels);
  return { shares, took: performance.now() - start };
}

// The pixels of a picture of noise, always the same.
function noise(side) {
  return Uint8Array.from(
    { length: side * side * 3 }, (_, i) => Math.imul(i, 2654435761) >>> 24,
  );
}
