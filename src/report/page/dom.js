"use strict";
// Elements are made with text only: names from files never become markup.
const byId = (id) => document.getElementById(id);

// Characters that command, reverse or hide text become visible; the joiners of Persian and emoji stay.
const HIDDEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]/gu;
const plain = (text) => String(text).replace(HIDDEN, "\ufffd");
const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const words = (name) => String(name).replace(/[_-]/g, " ");

// Attributes are set by name; `text` becomes the content, functions become listeners.
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  setAll(element, attributes);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// The namespace of drawings; the page itself holds no address.
const sample = document.createElement("template");
sample.innerHTML = "<svg></svg>";
const SVG = sample.content.firstChild.namespaceURI;

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  setAll(element, attributes);
  element.append(...children.filter(Boolean));
  return element;
}

function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = plain(value);
    else if (name === "src") element.src = value;
    else if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : plain(value));
  }
}
