/* Copyright: (c) 2026, avi.firewall contributors
   GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
   SPDX-License-Identifier: GPL-3.0-or-later */
(() => {
  "use strict";
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const box = document.getElementById("filter");
  const found = document.getElementById("found");
  const panel = document.getElementById("panel");

  // The filter: every word must be in what an element says of itself. It is kept in the address, so that a view can be sent on.
  const filter = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const items = all("[data-find]");
    for (const item of items) item.hidden = !words.every((word) => item.dataset.find.includes(word));
    for (const group of all("[data-group]")) group.hidden = !group.querySelector("[data-find]:not([hidden])");
    const left = items.filter((item) => !item.hidden).length;
    found.textContent = words.length ? `${left.toLocaleString("en")} of ${items.length.toLocaleString("en")} lines` : "";
  };
  const fromAddress = () => {
    const start = "#filter=";
    if (!location.hash.startsWith(start)) return;
    try { box.value = decodeURIComponent(location.hash.slice(start.length)); } catch { return; }
    filter();
  };
  box.addEventListener("input", () => {
    filter();
    history.replaceState(null, "", box.value ? `#filter=${encodeURIComponent(box.value)}` : location.pathname);
  });
  addEventListener("hashchange", fromAddress);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== box) { event.preventDefault(); box.focus(); }
    if (event.key === "Escape") panel.hidden = true;
  });
  document.querySelector(".tools").hidden = false;
  fromAddress();

  // The picture: a cell tells its story in the panel; Tab reaches a picture once, the arrows go on from there.
  const tell = (event) => {
    const cell = event.target.closest(".grid tbody td[title], .grid tbody td[data-title]");
    panel.hidden = !cell;
    if (!cell) return;
    if (cell.title) { cell.dataset.title = cell.title; cell.setAttribute("aria-label", cell.title); cell.removeAttribute("title"); }
    panel.textContent = cell.dataset.title;
  };
  for (const grid of all(".grid")) {
    grid.setAttribute("role", "grid");
    const first = grid.querySelector("td[title]");
    if (first) first.tabIndex = 0;
    grid.addEventListener("mouseover", tell);
    grid.addEventListener("focusin", tell);
    grid.addEventListener("mouseleave", () => { panel.hidden = true; });
    grid.addEventListener("focusout", () => { panel.hidden = true; });
    grid.addEventListener("keydown", (event) => {
      const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
      const from = event.target.closest("tbody td");
      if (!from || !(down || right)) return;
      event.preventDefault();
      const rows = all("tr[data-find]:not([hidden])", grid).map((row) => [...row.cells]);
      let y = rows.findIndex((row) => row.includes(from));
      let x = rows[y].indexOf(from);
      // Cells without a story are stepped over.
      do { y += down; x += right; } while (rows[y]?.[x] && !rows[y][x].matches("[title], [data-title]"));
      const to = rows[y]?.[x];
      if (!to) return;
      from.tabIndex = -1;
      to.tabIndex = 0;
      to.focus();
    });
  }

  // Paper has no summary to click on.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    for (const item of opened) item.open = true;
  });
  addEventListener("afterprint", () => { for (const item of opened) item.open = false; });
})();
