// All that the residents' pages do in the browser; each of them works without it.
(function () {
  var doc = document, root = doc.documentElement, one = doc.querySelector.bind(doc);
  function keep(key, value) {
    try {
      if (value) localStorage.setItem(key, value);
      else if (value === "") localStorage.removeItem(key);
      return localStorage.getItem(key) || "";
    } catch (e) { return ""; }
  }

  var size = one("[data-size]");
  if (size) size.addEventListener("click", function (event) {
    event.preventDefault();
    var big = root.classList.toggle("big"), word = size.textContent;
    doc.cookie = "big=" + (big ? 1 : 0) + ";path=/;max-age=31536000;samesite=lax" + (location.protocol === "https:" ? ";secure" : "");
    size.textContent = size.dataset.other;
    size.dataset.other = word;
  });

  var errors = one("#errors"), offline = one("#offline"), sent = one("[data-sent]");
  if (errors) errors.focus();
  if (sent) { keep(sent.dataset.sent, ""); keep(sent.dataset.sent + "!", "1"); }
  function net() { if (offline) offline.hidden = navigator.onLine; }
  addEventListener("online", net);
  addEventListener("offline", net);
  net();

  var text = one("[data-draft]");
  if (text) {
    var key = text.dataset.draft, near = doc.querySelectorAll("[data-words]");
    // Going back to a form that was sent must not offer the same words a second time.
    addEventListener("pageshow", function () {
      if (keep(key + "!") && !keep(key) && !errors) text.value = "";
      keep(key + "!", "");
    });
    if (!text.value) text.value = keep(key);
    var read = function () {
      keep(key, text.value);
      near.forEach(function (row) {
        row.hidden = text.value.length > 3 && !row.dataset.words.split(" ").some(function (word) { return text.value.includes(word); });
      });
    };
    text.addEventListener("input", read);
    read();
  }

  doc.addEventListener("submit", function (event) {
    if (!navigator.onLine) { event.preventDefault(); net(); offline.scrollIntoView(); return; }
    // A second tap while the first is under way must not send twice.
    if (event.target.dataset.busy) event.preventDefault();
    event.target.dataset.busy = 1;
  });
  addEventListener("pageshow", function () { doc.querySelectorAll("form").forEach(function (form) { delete form.dataset.busy; }); });

  var copy = one("[data-copy]");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", function () {
      navigator.clipboard.writeText(one(copy.dataset.copy).textContent).then(function () { copy.textContent = copy.dataset.done; });
    });
  }

  var photo = one(".pick input");
  if (photo) photo.addEventListener("change", function () {
    var file = photo.files[0], label = one(".pick [data-chosen]");
    one(".pick").classList.toggle("has", !!file);
    if (!file) return;
    label.textContent = label.dataset.chosen + file.name;
    // Large pictures are made small before they travel; where that fails, the picture travels as it is.
    if (file.size > 4e5 && self.createImageBitmap) createImageBitmap(file).then(function (map) {
      var scale = Math.min(1, 1600 / Math.max(map.width, map.height)), canvas = doc.createElement("canvas");
      canvas.width = map.width * scale;
      canvas.height = map.height * scale;
      canvas.getContext("2d").drawImage(map, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(function (blob) {
        var box = new DataTransfer();
        box.items.add(new File([blob], "photo.jpg", { type: "image/jpeg" }));
        photo.files = box.files;
      }, "image/jpeg", 0.85);
    }).catch(function () {});
  });
})();
