// The page of alerts: keys, clicks and ages. What an action does is decided by the platform; here is only who is meant.
(() => {
  "use strict";
  const ids = (list) => [...list].map((box) => box.closest("[data-alert]").dataset.alert);
  const rows = () => [...document.querySelectorAll("#alerts [data-alert]")];
  const boxes = () => document.querySelectorAll("#alerts input[type=checkbox]");
  const name = (row) => row.querySelector(".ops-alert-name");
  const isTyping = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  let near = null; // number and place of the alert that had the focus last

  const focused = () => document.activeElement && document.activeElement.closest("#alerts [data-alert]");
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const here = focused() || all.find((row) => near && row.dataset.alert === near.id);
    const place = here ? all.indexOf(here) + step : step > 0 ? 0 : all.length - 1;
    const next = all[Math.max(0, Math.min(all.length - 1, place))];
    name(next).focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const tellChosen = () => {
    const all = boxes(), chosen = [...all].filter((box) => box.checked);
    const every = document.querySelector("[data-all]");
    if (every) {
      every.checked = chosen.length > 0 && chosen.length === all.length;
      every.indeterminate = chosen.length > 0 && !every.checked;
    }
    emitEvent("alerts_chosen", ids(chosen));
  };
  const act = (action, row) => emitEvent("alerts_act", { action, near: row ? row.dataset.alert : "" });
  // where the details cover the list, the focus goes with them
  const follow = (tries) => {
    const details = document.querySelector("#details.ops-shown");
    if (details) details.querySelector("[data-shut]").focus();
    else if (tries) setTimeout(follow, 50, tries - 1);
  };
  const open = (id) => {
    emitEvent("alerts_open", id);
    if (id && matchMedia("(max-width: 70rem)").matches) follow(60);
  };
  const shut = () => {
    const row = document.querySelector("#alerts .ops-open");
    open("");
    if (row) name(row).focus();
  };
  const filter = () => {
    const form = document.getElementById("filters");
    if (form) emitEvent("alerts_filter", Object.fromEntries(new FormData(form)));
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("#alerts .ops-alert-name");
    const row = event.target.closest("#alerts [data-alert]");
    if (row && !event.target.closest("input, button") && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      if (link || !event.target.closest("a")) {
        event.preventDefault();
        if (!String(getSelection())) open(row.dataset.alert);
        if (!link) name(row).focus();
        return;
      }
    }
    const other = event.target.closest('#details a[href^="/ops/alerts?alert="]');
    if (other && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      open(new URL(other.href).searchParams.get("alert"));
      return;
    }
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.act) act(button.dataset.act, null);
    if ("shut" in button.dataset) shut();
    if ("keys" in button.dataset) document.getElementById("keys").showModal();
    if ("clear" in button.dataset) {
      for (const one of document.querySelectorAll("#filters select")) one.selectedIndex = 0;
      document.getElementById("find").value = "";
      filter();
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("#filters")) filter();
    else if (event.target.matches("[data-all]")) {
      for (const box of boxes()) box.checked = event.target.checked;
      tellChosen();
    } else if (event.target.closest("#alerts")) tellChosen();
  });
  let waiting = 0;
  document.addEventListener("input", (event) => {
    if (event.target.id !== "find") return;
    clearTimeout(waiting);
    waiting = setTimeout(filter, 300);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "filters") return;
    event.preventDefault();
    filter();
  });
  document.addEventListener("focusin", () => {
    const row = focused();
    if (row) near = { id: row.dataset.alert, place: rows().indexOf(row) };
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (!document.getElementById("alertpage") || document.querySelector("dialog[open]")) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape" && event.target.id === "find") move(1);
      return;
    }
    const row = focused();
    const inList = row || event.target === document.body || event.target.closest("#details, .ops-actions");
    const button = /^[a-z]$/.test(event.key) && document.querySelector(`[data-act][data-key="${event.key}"]`);
    if (button) act(button.dataset.act, row);
    else if (event.key === "j" || (event.key === "ArrowDown" && inList && !event.target.closest("#details"))) move(1);
    else if (event.key === "k" || (event.key === "ArrowUp" && inList && !event.target.closest("#details"))) move(-1);
    else if (event.key === "x" && row && row.querySelector("input")) row.querySelector("input").click();
    else if (event.key === "/") document.getElementById("find").focus();
    else if (event.key === "?") document.getElementById("keys").showModal();
    else if (event.key === "Escape" && document.querySelector("#details.ops-shown")) shut();
    else return;
    event.preventDefault();
  });

  // an alert that leaves the list while it has the focus gives it to the one in its place
  const watch = () => {
    const list = document.getElementById("alerts");
    if (!list) return void setTimeout(watch, 100);
    new MutationObserver(() => {
      const all = rows();
      if (near && document.activeElement === document.body && !all.some((row) => row.dataset.alert === near.id)) {
        const next = all[Math.min(near.place, all.length - 1)];
        near = null;
        if (next) name(next).focus({ preventScroll: true });
      }
      age();
    }).observe(list, { childList: true });
  };
  const units = { vi: [["ngày", 86400], ["giờ", 3600], ["phút", 60]], en: [["d", 86400], ["h", 3600], ["min", 60]] };
  const age = () => {
    const page = document.getElementById("alertpage");
    if (!page) return;
    const [first, ...rest] = units[page.dataset.lang] || units.vi;
    for (const one of document.querySelectorAll(".ops-age")) {
      const passed = Math.max(0, (Date.now() - Date.parse(one.dataset.since)) / 1000);
      const [word, size] = [first, ...rest].find(([, size]) => passed >= size) || rest[rest.length - 1];
      one.dataset.age = `${Math.floor(passed / size)} ${word}`;
    }
  };
  // On a phone an alert lies over the list: going back leads to the list, and not away from the page.
  let shown = location.search;
  window.alertsAddress = (where) => {
    const opened = (search) => new URLSearchParams(search).has("alert");
    const next = new URL(where, location.href).search;
    history[opened(next) && !opened(shown) ? "pushState" : "replaceState"](null, "", where);
    shown = next;
  };
  window.addEventListener("popstate", () => {
    if (location.search !== shown) location.reload();
  });
  watch();
  setInterval(age, 15000);
  age();
})();
