// Loads the model of classifier.js and runs it by onnxruntime-web, in this browser.
"use strict";

let session = null;
let running = Promise.resolve();

/** Loads the runtime and the model; returns "WebGPU" or "WebAssembly". */
async function loadModel() {
  if (typeof ort === "undefined") {
    throw new Error(
      "onnxruntime-web could not be loaded. Connect to the internet and load this " +
        "page again, or export the classifier with a copy of it (--runtime).",
    );
  }
  ort.env.logLevel = "error"; // not which operation runs where
  ort.env.wasm.numThreads = 1; // more need headers that only a server can send
  if (typeof RUNTIME !== "undefined") {
    // A page that is opened as a file can neither fetch nor import other files.
    const module = new Blob([await unpacked(RUNTIME.module)], { type: "text/javascript" });
    ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(module) };
    ort.env.wasm.wasmBinary = await unpacked(RUNTIME.wasm);
  }
  const model = await unpacked(CLASSIFIER.model);
  if (await navigator.gpu?.requestAdapter()) {
    try {
      session = await ort.InferenceSession.create(model, {
        executionProviders: ["webgpu", "wasm"],
      });
      return "WebGPU";
    } catch (error) {
      console.warn("WebGPU cannot run this model; WebAssembly does.", error);
    }
  }
  session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  return "WebAssembly";
}

/** Returns the bytes of base64 of gzip. */
async function unpacked(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Returns the probabilities of a picture, the index of the most probable class, and
 * whether it is one of the classes.
 * @param {ImageBitmap|HTMLVideoElement} source
 * @param {number[]} given height and width of the source
 */
async function classify(source, given) {
  const shape = [1, ...CLASSIFIER.size, CLASSIFIER.channels];
  const images = new ort.Tensor("uint8", toPixels(source, given, CLASSIFIER), shape);
  // A session runs one picture at a time.
  const answer = running.then(() => session.run({ images }));
  running = answer.catch(() => {});
  const { probabilities, class_index, known } = await answer;
  return {
    probabilities: Array.from(probabilities.data),
    index: Number(class_index.data[0]),
    known: Boolean(known.data[0]),
  };
}

/** Decodes a picture upright, with the values of its file. */
function decoded(blob) {
  return createImageBitmap(blob, { colorSpaceConversion: "none" });
}
