// Lists to filter, forms that the browser sends: everything else of these pages is made by the server.
(() => {
  const folded = (text) =>
    text.toLowerCase().replaceAll("đ", "d").normalize("NFD").replace(/\p{Mn}/gu, "");

  function filter(box) {
    const list = document.querySelector(box.dataset.filter);
    const words = folded(box.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const entry of list.querySelectorAll("[data-words]")) {
      const fits = words.every((word) => entry.dataset.words.includes(word));
      entry.hidden = !fits;
      found += fits ? 1 : 0;
    }
    for (const group of list.querySelectorAll("[data-group]"))
      group.hidden = !group.querySelector("[data-words]:not([hidden])");
    const said = document.querySelector(`[data-found="${box.dataset.filter}"]`);
    if (said) said.textContent = words.length ? said.dataset.text + found : "";
  }

  function count(list) {
    const said = document.querySelector(`[data-count="#${list.id}"]`);
    const ticked = list.querySelectorAll("input:checked").length;
    if (said) said.textContent = ticked ? said.dataset.text + ticked : "";
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches?.("[data-filter]")) filter(event.target);
  });
  document.addEventListener("keydown", (event) => {
    // a search that is confirmed must not send the form around it
    if (event.key === "Enter" && event.target.matches?.("[data-filter]")) event.preventDefault();
  });
  document.addEventListener("change", (event) => {
    const field = event.target;
    const list = field.closest?.("[data-counted]");
    if (list) count(list);
    const form = field.form;
    if (!form?.matches("[data-tidy]")) return;
    // a named period and a range of one's own exclude each other
    if (field.name === "period" && field.value)
      for (const name of ["from", "to"]) if (form.elements[name]) form.elements[name].value = "";
    if (["from", "to"].includes(field.name) && field.value && form.elements.period) form.elements.period.value = "";
    if (field.name === "known" && field.value && form.elements.compare) form.elements.compare.value = "known";
    if (field.matches("[data-go]")) form.requestSubmit();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-tidy]")) return;
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
    form.setAttribute("aria-busy", "true");
    const said = form.querySelector("[data-asking]");
    if (said) said.textContent = said.dataset.asking;
  });
  // on a phone the answer comes first: its question is folded away
  if (matchMedia("(max-width: 52rem)").matches) {
    const watch = new MutationObserver(() => {
      const fold = document.querySelector("[data-fold]");
      if (!fold) return;
      watch.disconnect();
      fold.removeAttribute("open");
    });
    watch.observe(document, { childList: true, subtree: true });
    addEventListener("load", () => setTimeout(() => watch.disconnect(), 10000));
  }
  // somebody came back to a page that was kept as it was left
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("[data-tidy][aria-busy]")) {
      form.removeAttribute("aria-busy");
      for (const field of form.elements) field.disabled = false;
      const said = form.querySelector("[data-asking]");
      if (said) said.textContent = "";
    }
  });
})();
