// The controls of the page. All text is set by textContent: names are not HTML.
"use strict";

const MOST_BARS = 10;
const PREVIEW_PIXELS = 640; // the longer side of the picture that is shown
const CAMERA_ERRORS = {
  NotFoundError: "There is no camera. Choose a picture instead.",
  NotAllowedError:
    "This page may not use the camera. Allow it in the settings of the browser, or " +
    "choose a picture.",
  NotReadableError: "The camera is used by another program. Close it and try again.",
};

const find = (id) => document.getElementById(id);
let stream = null; // of the camera
let latest = 0; // the number of the last request; answers to earlier ones are dropped

function say(text, isError = false) {
  find("message").classList.toggle("error", isError);
  setText(find("message"), text);
}

// Only what changes is set, so that screen readers do not repeat the rest.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function percent(probability) {
  return `${(100 * probability).toFixed(1)} %`;
}

function showAnswer({ probabilities, index, known }) {
  const { labels } = CLASSIFIER;
  setText(find("verdict"), known ? labels[index] : "unknown");
  setText(find("note"), known ? "" : "It is like none of the classes.");
  const bars = find("bars");
  let shown = labels.map((_, i) => i);
  if (shown.length > MOST_BARS) {
    shown.sort((a, b) => probabilities[b] - probabilities[a]);
    shown = shown.slice(0, MOST_BARS);
    setText(find("rest"), `The most probable ${MOST_BARS} of ${labels.length} classes.`);
  }
  while (bars.children.length < shown.length) bars.append(newBar());
  shown.forEach((number, place) => {
    const [name, value, track] = bars.children[place].children;
    setText(name, labels[number]);
    setText(value, percent(probabilities[number]));
    track.firstChild.style.width = percent(probabilities[number]).replace(" ", "");
  });
  find("answer").hidden = false;
}

function newBar() {
  const row = document.createElement("li");
  for (const [tag, name] of [["span", "name"], ["span", "percent"], ["div", "track"]]) {
    const part = document.createElement(tag);
    part.className = name;
    row.append(part);
  }
  const bar = document.createElement("div");
  bar.className = "bar";
  row.lastChild.append(bar);
  return row;
}

function hideAnswer() {
  find("view").hidden = true;
  find("answer").hidden = true;
}

function showView(element) {
  for (const id of ["picture", "video"]) find(id).hidden = find(id) !== element;
  find("view").hidden = false;
}

async function showFile(file) {
  const request = ++latest;
  stopCamera();
  hideAnswer();
  const name = file.name || "The picture";
  say(`Classifying ${name} …`);
  // The browser shows the text before the work begins.
  await new Promise((resolve) => setTimeout(resolve));
  let bitmap = null;
  try {
    bitmap = await decoded(file);
  } catch {
    if (request === latest) {
      say(`${name} is not a picture that this browser can read. Try JPEG or PNG.`, true);
    }
    return;
  }
  try {
    const answer = await classify(bitmap, [bitmap.height, bitmap.width]);
    if (request !== latest) return;
    drawPicture(bitmap, name);
    showAnswer(answer);
    say(name);
  } catch (error) {
    if (request === latest) say(`${name} cannot be classified: ${error.message}.`, true);
  } finally {
    bitmap.close();
  }
}

function drawPicture(bitmap, name) {
  const canvas = find("picture");
  const longer = Math.max(bitmap.width, bitmap.height);
  const scale = Math.min(1, PREVIEW_PIXELS / longer);
  canvas.width = Math.max(1, Math.round(scale * bitmap.width));
  canvas.height = Math.max(1, Math.round(scale * bitmap.height));
  canvas.setAttribute("aria-label", name);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  showView(canvas);
}

async function startCamera() {
  const request = ++latest;
  hideAnswer();
  if (!navigator.mediaDevices) {
    say("The camera needs a page that is opened from https, localhost or a file.", true);
    return;
  }
  say("Starting the camera …");
  const video = find("video");
  let started = null;
  try {
    started = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment" },
    });
    if (request !== latest) {
      release(started);
      return;
    }
    stream = started;
    video.srcObject = started;
    await video.play();
  } catch (error) {
    if (request !== latest) return; // a picture took its place
    stopCamera();
    say(CAMERA_ERRORS[error.name] ?? `The camera failed: ${error.message}.`, true);
    return;
  }
  if (stream !== started) return;
  started.getVideoTracks()[0].addEventListener("ended", () => {
    if (stream !== started) return;
    stopCamera();
    say("The camera was disconnected.", true);
  });
  setText(find("camera"), "Stop the camera");
  showView(video);
  say("The camera is on.");
  await classifyFrames(video, started);
}

async function classifyFrames(video, started) {
  while (stream === started) {
    await new Promise(requestAnimationFrame); // waits while the page is not visible
    try {
      const answer = await classify(video, [video.videoHeight, video.videoWidth]);
      if (stream === started) showAnswer(answer);
    } catch (error) {
      if (stream !== started) return;
      stopCamera();
      say(`The camera's picture cannot be classified: ${error.message}.`, true);
    }
  }
}

function release(someStream) {
  for (const track of someStream.getTracks()) track.stop();
}

function stopCamera() {
  if (stream) release(stream);
  stream = null;
  find("video").srcObject = null;
  setText(find("camera"), "Use the camera");
}

function firstFile(transfer) {
  const [file] = transfer?.files ?? [];
  if (file) showFile(file);
  else say("This is not a picture. Drop or paste the file of a picture.", true);
}

function listen() {
  find("choose").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", () => {
    const [file] = find("file").files;
    find("file").value = ""; // the same file may be chosen again
    if (file) showFile(file);
  });
  find("camera").addEventListener("click", () => {
    if (!stream) {
      startCamera();
      return;
    }
    latest++;
    stopCamera();
    hideAnswer();
    say("The camera is off.");
  });
  const main = document.querySelector("main");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    main.classList.add("dropping");
  });
  document.addEventListener("dragleave", () => main.classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    main.classList.remove("dropping");
    firstFile(event.dataTransfer);
  });
  document.addEventListener("paste", (event) => firstFile(event.clipboardData));
}

async function start() {
  const { labels } = CLASSIFIER;
  const count = labels.length === 1 ? "one class" : `${labels.length} classes`;
  const names = labels.length > MOST_BARS ? "" : `: ${labels.join(", ")}`;
  setText(
    find("about"),
    `It knows ${count}${names}. Pictures stay on this device: they are classified in ` +
      "this browser and sent nowhere.",
  );
  try {
    const device = await loadModel();
    listen();
    for (const id of ["choose", "camera"]) find(id).disabled = false;
    say(`Ready. Runs by ${device}.`);
  } catch (error) {
    say(`The classifier cannot be loaded: ${error.message}`, true);
  }
}

start();
