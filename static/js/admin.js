// The web admin's conveniences; every page works without them.
(() => {
  "use strict";
  const find = document.getElementById("find");
  const typing = (e) => /^(INPUT|TEXTAREA|SELECT)$/.test(e.tagName) || e.isContentEditable;

  // "/" and Ctrl-K lead to the search box.
  addEventListener("keydown", (event) => {
    const command = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    const slash = event.key === "/" && !typing(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!find || !(command || slash)) return;
    event.preventDefault();
    find.focus();
    find.select();
  });

  // Filters stand open where there is room beside the list, and nowhere else: above it, they would hide it.
  const filters = document.querySelector("details.filters");
  const wide = matchMedia("(min-width: 64.01rem)");
  const fold = () => { if (filters) filters.open = wide.matches; };
  wide.addEventListener("change", fold);
  fold();

  // A menu closes when something else is clicked, and on Escape.
  const menus = [...document.querySelectorAll("details.menu")];
  addEventListener("click", (event) => {
    menus.forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && menus.find((menu) => menu.open);
    if (open) { open.open = false; open.querySelector("summary").focus(); }
  });
})();
