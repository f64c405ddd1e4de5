// The tree by keyboard and touch, its parts loaded on opening; without this file every line is a plain link.
(() => {
  "use strict";
  const tree = document.querySelector("[data-tree]");
  if (!tree) return;
  const detail = document.getElementById("detail");
  const wide = matchMedia("(min-width: 60.01rem)");
  const base = location.pathname;
  const ended = new URLSearchParams(location.search).get("ended") === "1" ? "&ended=1" : "";
  const items = () => [...tree.querySelectorAll("a.node")].filter((a) => !a.closest("ul[hidden]"));
  const group = (item) => item.parentElement.querySelector(":scope > ul");
  const over = (item) => {
    const list = item.closest("ul");
    return list === tree ? null : list.parentElement.querySelector(":scope > a.node");
  };

  // What a screen reader hears: a tree of items, of which one can be reached by Tab.
  function dress(root) {
    root.querySelectorAll("li").forEach((li) => li.setAttribute("role", "none"));
    root.querySelectorAll("ul").forEach((ul) => ul.setAttribute("role", "group"));
    root.querySelectorAll("a.node").forEach((item) => {
      item.setAttribute("role", "treeitem");
      item.tabIndex = -1;
      let level = 1;
      for (let up = over(item); up; up = over(up)) level += 1;
      item.setAttribute("aria-level", level);
      tell(item);
    });
  }
  function tell(item) {
    if (item.dataset.open) item.setAttribute("aria-expanded", item.dataset.open === "1");
    else item.removeAttribute("aria-expanded");
    const list = group(item);
    if (!list) return;
    list.id = `below-${item.dataset.node}`;
    item.setAttribute("aria-owns", list.id);
  }
  function reach(item, focus = true) {
    tree.querySelectorAll('a.node[tabindex="0"]').forEach((a) => { a.tabIndex = -1; });
    item.tabIndex = 0;
    if (focus) { item.focus(); item.scrollIntoView({ block: "nearest" }); }
  }

  async function part(query) {
    const answer = await fetch(`${base}?${query}${ended}`, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    const target = answer.headers.get("HX-Redirect");
    if (target) { location.href = target; return null; }
    return answer.ok ? answer.text() : null;
  }
  function fragment(html) {
    const list = document.createElement("ul");
    list.innerHTML = html;
    // What the way down had brought along already stands there only once.
    list.querySelectorAll("a[data-node]").forEach((item) => {
      const there = tree.querySelector(`a[data-node="${item.dataset.node}"]`);
      if (there) there.parentElement.remove();
    });
    return list;
  }
  async function load(item, query, place) {
    if (item.classList.contains("busy")) return false;
    item.classList.add("busy");
    try {
      const html = await part(query);
      if (html === null) { location.href = item.href; return false; }
      const list = fragment(html);
      const first = list.querySelector("a.node");
      place(list);
      dress(tree);
      return first || true;
    } catch {
      location.href = item.href;
      return false;
    } finally {
      item.classList.remove("busy");
    }
  }
  async function open(item) {
    if (item.dataset.open !== "0") return;
    if (!group(item)) {
      const done = await load(item, `of=${item.dataset.node}`, (list) => {
        if (list.children.length) item.parentElement.append(list);
      });
      if (!done) return;
    }
    const list = group(item);
    if (list) list.hidden = false;
    if (list) item.dataset.open = "1"; else delete item.dataset.open;
    tell(item);
  }
  function close(item) {
    if (item.dataset.open !== "1") return;
    group(item).hidden = true;
    item.dataset.open = "0";
    tell(item);
  }
  async function more(item) {
    const li = item.parentElement;
    const from = new URL(item.href).searchParams.get("from");
    const first = await load(item, `of=${item.dataset.more}&from=${from}`, (list) => {
      list.querySelectorAll(":scope > .earlier").forEach((one) => one.remove());
      li.replaceWith(...list.children);
    });
    const next = first instanceof Element && first.isConnected ? first : items()[0];
    if (first) reach(next);
  }

  // The one node beside the tree.
  let turn = 0;
  async function show(item) {
    const mine = ++turn;
    const html = await part(`open=${item.dataset.node}`).catch(() => null);
    if (mine !== turn) return;
    if (html === null) { location.href = item.href; return; }
    detail.innerHTML = html;
    detail.scrollTop = 0;
    tree.querySelectorAll("a.on").forEach((a) => { a.classList.remove("on"); a.removeAttribute("aria-current"); });
    item.classList.add("on");
    item.setAttribute("aria-current", "true");
    history.pushState({}, "", item.href);
  }
  addEventListener("popstate", () => location.reload());

  tree.addEventListener("click", (event) => {
    const item = event.target.closest("a.node");
    if (!item || event.ctrlKey || event.metaKey || event.shiftKey) return;
    reach(item, false);
    if (item.dataset.more) { event.preventDefault(); more(item); return; }
    if (event.target.closest(".twig") && item.dataset.open) {
      event.preventDefault();
      if (item.dataset.open === "1") close(item); else open(item);
      return;
    }
    if (!wide.matches || !item.dataset.node) return;
    event.preventDefault();
    show(item);
    open(item);
  });

  // Keys, as trees are used everywhere: arrows, Home, End, and the first letters of a name.
  let typed = "";
  let last = 0;
  function find(sign, here) {
    const now = performance.now();
    typed = now - last > 900 ? sign : typed + sign;
    last = now;
    const all = items();
    const from = all.indexOf(here) + (typed.length === 1 ? 1 : 0);
    const ring = [...all.slice(from), ...all.slice(0, from)];
    return ring.find((item) => item.textContent.trim().toLowerCase().startsWith(typed.toLowerCase()));
  }
  const keys = {
    ArrowDown: (item, all) => all[all.indexOf(item) + 1],
    ArrowUp: (item, all) => all[all.indexOf(item) - 1],
    Home: (_, all) => all[0],
    End: (_, all) => all[all.length - 1],
    ArrowRight: (item) => {
      if (item.dataset.open === "1") return group(item).querySelector("a.node");
      open(item);
      return null;
    },
    ArrowLeft: (item) => {
      if (item.dataset.open !== "1") return over(item);
      close(item);
      return null;
    },
  };
  tree.addEventListener("keydown", (event) => {
    const item = event.target.closest("a.node");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") { event.preventDefault(); item.click(); return; }
    const letter = event.key.length === 1 && event.key !== "/";
    if (!keys[event.key] && !letter) return;
    event.preventDefault();
    event.stopPropagation();
    const next = letter ? find(event.key, item) : keys[event.key](item, items());
    if (next) reach(next);
  });

  tree.setAttribute("role", "tree");
  dress(tree);
  const start = tree.querySelector("a.on") || items()[0];
  if (start) reach(start, false);
})();
