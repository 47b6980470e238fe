"use strict";
// Names reach the page as text only (`textContent`, `alt`), never as HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const AT_A_TIME = 120;
const element = (id) => document.getElementById(id);

function imageOf(row) {
  const thumbnail = data.thumbnails[row];
  if (thumbnail === null) {
    const none = document.createElement("span");
    none.className = "none";
    none.textContent = "no picture";
    return none;
  }
  const image = document.createElement("img");
  image.width = image.height = 64;
  image.alt = data.names[data.labels[row]] + ", " + data.files[row];
  image.src = "data:image/jpeg;base64," + thumbnail;
  return image;
}

function cardOf(row) {
  const card = document.createElement("figure");
  card.className = "picture";
  const caption = document.createElement("figcaption");
  const name = document.createElement("b");
  name.textContent = data.names[data.labels[row]];
  caption.append(name);
  if (data.test[row]) {
    const tag = document.createElement("span");
    tag.className = "tag";
    tag.textContent = "test";
    caption.append(" ", tag);
  }
  if (data.predicted[row] >= 0) {
    const predicted = data.names[data.predicted[row]];
    const probability = data.probabilities[row].toFixed(2);
    caption.append(document.createElement("br"), `predicted ${predicted} (${probability})`);
  }
  const file = document.createElement("small");
  file.textContent = data.files[row];
  caption.append(document.createElement("br"), file);
  card.append(imageOf(row), caption);
  return card;
}

// The gallery: pictures of a class or of a number of the confusion matrix.
let waiting = [];
function showMore() {
  element("gallery-pictures").append(...waiting.splice(0, AT_A_TIME).map(cardOf));
  element("more").hidden = waiting.length === 0;
}
function showGallery(rows, title) {
  element("gallery-title").textContent = `${title} (${rows.length})`;
  element("gallery-pictures").replaceChildren();
  waiting = [...rows];
  showMore();
  if (!element("gallery").open) element("gallery").showModal();
}
function rowsOf(label, part, predicted) {
  const rows = [];
  for (let row = 0; row < data.files.length; row++) {
    const isPart = part === "" || (part === "test") === Boolean(data.test[row]);
    const isClass = label === "" || data.names[data.labels[row]] === label;
    const name = data.predicted[row] < 0 ? "" : data.names[data.predicted[row]];
    if (isPart && isClass && (predicted === "" || predicted === name)) rows.push(row);
  }
  return rows;
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("button.show");
  if (!button) return;
  const { label, part, predicted } = button.dataset;
  const title = predicted ? `${label}, predicted ${predicted}` : label;
  showGallery(rowsOf(label, part, predicted), title);
});
element("more").addEventListener("click", showMore);
element("close-gallery").addEventListener("click", () => element("gallery").close());

// The map calls these.
const fslReport = {
  hover(rows, place) {
    const preview = element("preview");
    preview.hidden = rows.length === 0;
    if (preview.hidden) return;
    preview.replaceChildren(...rows.slice(0, 3).map(cardOf));
    const room = preview.parentElement.clientWidth - preview.offsetWidth;
    preview.style.left = Math.max(0, Math.min(place.sx + 16, room)) + "px";
    preview.style.top = place.sy + 16 + "px";
  },
  tapped(rows) {
    // A class that was chosen is selected too, which is no tap.
    if (rows.length && !element("chosen").value) showGallery(rows, "Pictures");
  },
};
window.fslReport = fslReport;
element("map-chart").addEventListener("mouseleave", () => (element("preview").hidden = true));

element("chosen").addEventListener("change", (event) => {
  const rows = event.target.value ? rowsOf(event.target.value, "", "") : [];
  for (const page of Bokeh.documents) {
    const source = page.get_model_by_name("pictures");
    if (source) source.selected.indices = rows;
  }
});
element("open-chosen").addEventListener("click", () => {
  const name = element("chosen").value;
  showGallery(rowsOf(name, "", ""), name || "All pictures");
});

for (const image of document.querySelectorAll("img[data-row]")) {
  image.replaceWith(imageOf(Number(image.dataset.row)));
}
Bokeh.embed.embed_item(data.map, "map-chart");
for (const [target, chart] of Object.entries(data.calibration)) {
  Bokeh.embed.embed_item(chart, target);
}
