// Copyright (c) 2026, containerland.net contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Added to a page with a picture: measures what was really drawn, and leaves what is wrong in the page.
"use strict";
const problems = [];
const slack = 1;
const area = (element) => element.getBoundingClientRect();
const within = (inner, outer) =>
  inner.left >= outer.left - slack && inner.right <= outer.right + slack &&
  inner.top >= outer.top - slack && inner.bottom <= outer.bottom + slack;
const meet = (one, other) =>
  one.left < other.right - slack && other.left < one.right - slack &&
  one.top < other.bottom - slack && other.top < one.bottom - slack;
const pairs = (list, check) => list.forEach((one, i) => list.slice(i + 1).forEach((other) => check(one, other)));

// The luminance contrast of WCAG 2.
const light = (colour) => {
  const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((part) => {
    const value = part / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const fill = (element) => getComputedStyle(element).fill;

const svg = document.querySelector("svg.cn-picture");
const paper = svg.querySelector(".cn-paper");
const boxes = [...svg.querySelectorAll(".cn-box")];
const leaves = boxes.filter((box) => !box.classList.contains("cn-frame"));
const texts = [...svg.querySelectorAll("text")];
for (const text of texts) {
  const box = text.closest(".cn-box");
  const ground = box ? box.querySelector("rect") : paper;
  if (!within(area(text), area(ground))) problems.push(`outside its box: ${text.textContent}`);
  if (contrast(fill(text), fill(ground)) < 4.5) problems.push(`hard to read: ${text.textContent}`);
  if (!text.textContent.trim()) problems.push("empty text");
}
for (const box of boxes) if (!within(area(box), area(svg))) problems.push(`outside the picture: ${box.textContent}`);
pairs(leaves, (one, other) => {
  if (meet(area(one), area(other))) problems.push(`overlap: ${one.textContent} and ${other.textContent}`);
});
pairs(texts, (one, other) => {
  if (meet(area(one), area(other))) problems.push(`texts overlap: ${one.textContent} and ${other.textContent}`);
});
for (const label of svg.querySelectorAll(".cn-label"))
  for (const box of leaves)
    if (meet(area(label), area(box))) problems.push(`${label.textContent} is over ${box.textContent}`);
const extra = [...document.querySelectorAll("script, img, a, iframe, object")].filter((one) => !one.hasAttribute("data-look"));
if (extra.length) problems.push(`not a picture: ${extra.map((one) => one.outerHTML)}`);

const verdict = document.createElement("pre");
verdict.id = "verdict";
verdict.textContent = JSON.stringify({
  problems, boxes: boxes.length, texts: texts.length, dark: matchMedia("(prefers-color-scheme: dark)").matches,
  paper: fill(paper), width: area(svg).width, height: area(svg).height,
});
document.body.append(verdict);
