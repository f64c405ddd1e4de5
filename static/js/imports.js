// Conveniences of the import pages; each works without them.
(() => {
  "use strict";
  // Look again at what the background does, without jumping to the top; the whole page when it is done.
  const going = document.querySelector("[data-going]");
  async function again() {
    try {
      const answer = await fetch(location.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      if (!answer.ok) { location.reload(); return; }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-going]");
      if (!fresh || fresh.dataset.going !== going.dataset.going) { location.reload(); return; }
      going.replaceChildren(...fresh.childNodes);
    } catch { /* no network for a moment: ask again */ }
    setTimeout(again, 1000);
  }
  if (going) setTimeout(again, 1000);

  // Say at once that a file is on its way: a large one takes seconds.
  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", () => {
      const button = form.querySelector("[type=submit]");
      setTimeout(() => { button.disabled = true; button.textContent = form.dataset.once; }, 0);
    });
  }
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
