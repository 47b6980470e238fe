// Makes the pixels that the model takes, as `fsl_keras.images.fit` does: the picture on
// white, gray by Pillow's weights, resized bilinearly with antialiasing, rounded.
"use strict";

// Pixels that are read at a time: browsers limit the area of a canvas.
const STRIP_PIXELS = 2 ** 22;
const MOST_PIXELS = 179e6; // as in Python, where larger files are not read
const LUMA = [19595, 38470, 7471]; // of 65536

/**
 * Returns the pixels of a picture as uint8 `[height, width, channels]` of one size.
 * @param {ImageBitmap|HTMLVideoElement} source
 * @param {number[]} given height and width of the source
 * @param {{size: number[], channels: number, resize: string}} options
 */
function toPixels(source, given, { size, channels, resize }) {
  if (given[0] * given[1] > MOST_PIXELS) {
    throw new Error(`it has more than ${MOST_PIXELS / 1e6} megapixels`);
  }
  const [part, result] = sourceAndTarget(given, size, resize);
  const rows = resizedRows(source, margins(given, part), part, result[0], channels);
  const columns = weights(part[1], result[1]);
  const [top, left] = margins(size, result);
  const pixels = new Uint8Array(size[0] * size[1] * channels).fill(255);
  for (let row = 0; row < result[0]; row++) {
    for (let column = 0; column < result[1]; column++) {
      const [start, each] = columns[column];
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let i = 0; i < each.length; i++) {
          const value = rows[(row * part[1] + start + i) * channels + channel];
          sum = Math.fround(sum + Math.fround(each[i] * value));
        }
        const to = ((top + row) * size[1] + left + column) * channels + channel;
        pixels[to] = Math.min(255, Math.floor(sum + 0.5));
      }
    }
  }
  return pixels;
}

/** Returns float32 `[wanted, width, channels]`: rows are resized before columns. */
function resizedRows(source, [top, left], [height, width], wanted, channels) {
  const sums = new Float32Array(wanted * width * channels);
  const targets = Array.from({ length: height }, () => []);
  weights(height, wanted).forEach(([start, each], row) =>
    each.forEach((weight, i) => targets[start + i].push([row, weight])),
  );
  const strip = Math.min(height, Math.max(1, Math.floor(STRIP_PIXELS / width)));
  const canvas = new OffscreenCanvas(width, strip);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  for (let y = 0; y < height; y += strip) {
    const count = Math.min(strip, height - y);
    context.fillStyle = "white";
    context.fillRect(0, 0, width, count);
    context.drawImage(source, left, top + y, width, count, 0, 0, width, count);
    const values = toChannels(context.getImageData(0, 0, width, count).data, channels);
    for (let row = 0; row < count; row++) {
      const from = row * width * channels;
      for (const [target, weight] of targets[y + row]) {
        const to = target * width * channels;
        for (let i = 0; i < width * channels; i++) {
          sums[to + i] += Math.fround(weight * values[from + i]);
        }
      }
    }
  }
  return sums;
}

/** Returns RGB or gray values of RGBA ones. */
function toChannels(rgba, channels) {
  const values = new Uint8Array((rgba.length / 4) * channels);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const [red, green, blue] = [rgba[from], rgba[from + 1], rgba[from + 2]];
    if (channels === 3) {
      values[to++] = red;
      values[to++] = green;
      values[to++] = blue;
    } else {
      values[to++] = (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue + 32768) >> 16;
    }
  }
  return values;
}

/**
 * Returns `[start, weights]` for each pixel of an axis of `wanted` pixels: those of
 * TensorFlow's triangle kernel, which is wider where the axis becomes shorter.
 */
function weights(given, wanted) {
  const { fround } = Math; // float32, as in TensorFlow, so that halves round alike
  const scale = fround(1 / fround(wanted / given));
  const radius = Math.max(scale, 1);
  const inverse = fround(1 / radius);
  return Array.from({ length: wanted }, (_, pixel) => {
    const center = fround((pixel + 0.5) * scale);
    const start = Math.max(0, Math.ceil(fround(fround(center - radius) - 0.5)));
    const end = Math.floor(fround(fround(center + radius) - 0.5));
    const each = Float32Array.from(
      { length: Math.min(given - 1, end) - start + 1 },
      (_, i) => {
        const distance = Math.abs(fround(start + i + 0.5 - center));
        return Math.max(0, 1 - fround(distance * inverse));
      },
    );
    const total = each.reduce((sum, weight) => fround(sum + weight), 0);
    return [start, each.map((weight) => weight * fround(1 / total))];
  });
}

/** Returns the sizes of the part that is resized, and of what it is resized to. */
function sourceAndTarget(given, wanted, resize) {
  const [[height, width], [rows, columns]] = [given, wanted];
  const limited = (pixels, most) => Math.min(most, Math.max(1, pixels));
  const quotient = (dividend, divisor) =>
    Math.floor((2 * dividend + divisor) / (2 * divisor));
  if (resize === "crop") {
    const kept = [(width * rows) / columns, (height * columns) / rows].map(Math.floor);
    return [kept.map((pixels, axis) => limited(pixels, given[axis])), wanted];
  }
  if (resize === "pad") {
    const inner = [quotient(height * columns, width), quotient(width * rows, height)];
    return [given, inner.map((pixels, axis) => limited(pixels, wanted[axis]))];
  }
  return [given, wanted];
}

/** Returns the rows above and the columns left of a centered part. */
function margins(outer, inner) {
  return outer.map((pixels, axis) => Math.floor((pixels - inner[axis]) / 2));
}
