// The desk's conveniences; every page works without them.
(() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const list = $("[data-list]");
  const detail = $("#detail");
  document.documentElement.classList.add("js");
  const wide = matchMedia("(min-width: 60.01rem)");

  // Open a row beside the list instead of loading the page anew.
  let turn = 0;
  async function open(link, push = true) {
    const mine = ++turn;
    const slow = setTimeout(() => { detail.innerHTML = '<p class="wait">正在取数…</p>'; }, 400);
    try {
      const answer = await fetch(link.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      const target = answer.headers.get("HX-Redirect");
      if (target || !answer.ok) { location.href = target || link.href; return; }
      const html = await answer.text();
      clearTimeout(slow);
      if (mine !== turn) return;
      detail.innerHTML = html;
      mark(link);
      detail.scrollTop = 0;
      dress(detail);
      if (push) history.pushState({ desk: link.href }, "", link.href);
    } catch {
      clearTimeout(slow);
      if (mine === turn) detail.innerHTML = '<p class="strip bad flat" role="alert">现在没有网络。有网后再点一次。</p>';
    }
  }
  function mark(link) {
    all("tr.on", list).forEach((row) => row.classList.remove("on"));
    all("a[aria-current]", list).forEach((a) => a.removeAttribute("aria-current"));
    link.closest("tr").classList.add("on");
    link.setAttribute("aria-current", "true");
  }
  if (list && detail) {
    list.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || !wide.matches) return;
      const row = event.target.closest("tbody tr");
      const link = row && $("a", row);
      if (!link) return;
      event.preventDefault();
      open(link);
    });
    addEventListener("popstate", () => location.reload());
    const first = $("tbody a", list);
    if (wide.matches && first && document.body.classList.contains("no-open")) open(first, false);
  }

  // Keys: j and k choose, Enter opens, 1 to 4 press the buttons, / searches.
  function move(step) {
    const links = all("tbody a", list);
    if (!links.length) return;
    const here = links.findIndex((a) => a === document.activeElement);
    const now = here >= 0 ? here : links.findIndex((a) => a.hasAttribute("aria-current"));
    const next = links[Math.min(Math.max(now + step, 0), links.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }
  addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "Escape" && typing) typing.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && $("#find")) { event.preventDefault(); $("#find").focus(); return; }
    if (list && (event.key === "j" || event.key === "k")) { event.preventDefault(); move(event.key === "j" ? 1 : -1); return; }
    const button = detail && /^[1-4]$/.test(event.key) && $(`[data-key="${event.key}"]`, detail);
    if (button) { event.preventDefault(); button.click(); }
  });

  // A button that opens a form further down; texts that are often used.
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    const part = opener && document.getElementById(opener.dataset.opens);
    if (!part) return;
    event.preventDefault();
    part.open = true;
    part.scrollIntoView({ block: "nearest" });
    const field = $("input:not([type=hidden]), textarea, select, button", part);
    if (field) field.focus();
  });
  // What was typed when the session had ended is put back after signing in; it stays in this tab and is used once.
  const signIn = $("main input[type=password]");
  let draft = null;
  if (!signIn) {
    if (document.referrer.includes("/login/")) draft = JSON.parse(sessionStorage.getItem("draft"));
    sessionStorage.removeItem("draft");
  }
  const door = (form) => (form.getAttribute("action") || location.pathname).split("?")[0];
  function keepDraft(form) {
    if (signIn || form.method !== "post") return;
    const typed = [...form.elements].filter((field) => field.name !== "phone" && /^(text|textarea|number|date|select-one)$/.test(field.type));
    sessionStorage.setItem("draft", JSON.stringify([door(form), typed.map((field) => [field.name, field.value])]));
  }
  function putBack(root) {
    const form = draft && all("form", root).find((one) => one.method === "post" && door(one) === draft[0]);
    if (!form) return;
    draft[1].forEach(([name, value]) => { const field = form.elements[name]; if (field && value) field.value = value; });
    draft = null;
    const part = form.closest("details");
    if (part) part.open = true;
  }
  function dress(root) {
    putBack(root);
    all("[data-texts]", root).forEach((area) => {
      const row = document.createElement("p");
      row.className = "texts";
      area.dataset.texts.split("|").forEach((text) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "btn alt sm";
        button.textContent = text;
        button.addEventListener("click", () => { area.value = text; area.focus(); });
        row.append(button);
      });
      area.after(row);
    });
  }
  dress(document);

  // A button that copies a text; where the browser does not let it, the text is marked, to be copied by hand.
  all("[data-copies]").forEach((button) => {
    const area = document.getElementById(button.dataset.copies);
    button.hidden = false;
    button.addEventListener("click", async () => {
      const part = area.closest("details");
      if (part) part.open = true;
      area.focus();
      area.select();
      let done = false;
      try { await navigator.clipboard.writeText(area.value); done = true; } catch { done = document.execCommand("copy"); }
      const said = document.getElementById(button.getAttribute("aria-describedby"));
      if (said) said.textContent = done ? "已复制，到别的表里粘贴就行。" : "文字已选中，请按 Ctrl+C 复制。";
    });
  });

  // The seconds in which a step can be undone; one press per form.
  all("[data-seconds]").forEach((form) => {
    let left = Number(form.dataset.seconds);
    const tick = setInterval(() => {
      left -= 1;
      if (left > 0) { $("[data-left]", form).textContent = ` ${left} 秒`; return; }
      clearInterval(tick);
      form.remove();
    }, 1000);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "1";
    keepDraft(event.target);
    setTimeout(() => { delete event.target.dataset.sent; }, 4000);
  });
  addEventListener("click", (event) => {
    const me = $(".me[open]");
    if (me && !me.contains(event.target)) me.open = false;
  });
})();
