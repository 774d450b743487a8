// A part of a page that the server writes as HTML. A change touches only the elements that differ, so that what has the
// focus keeps it; elements with a data-key are the same wherever they stand among their neighbours.
const same = (old, now) =>
  old.nodeType === now.nodeType && old.nodeName === now.nodeName && key(old) === key(now);
const key = (node) => (node.nodeType === 1 ? node.getAttribute("data-key") : null);

function attributes(old, now) {
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of [...now.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

function children(old, now) {
  const wanted = new Set([...now.childNodes].map(key).filter(Boolean));
  let place = old.firstChild;
  for (const next of [...now.childNodes]) {
    // what is gone makes room for what comes after it
    while (place && key(place) && !wanted.has(key(place))) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
    let found = place && same(place, next) ? place : null;
    if (!found && key(next)) found = [...old.children].find((one) => same(one, next)) || null;
    if (!found) {
      const fresh = document.importNode(next, true);
      if (place && !key(place) && !key(next)) {
        old.replaceChild(fresh, place);
        place = fresh.nextSibling;
      } else {
        old.insertBefore(fresh, place);
      }
      continue;
    }
    if (found === place) place = place.nextSibling;
    else old.insertBefore(found, place);
    if (found.isEqualNode(next)) continue;
    if (found.nodeType !== 1) {
      found.nodeValue = next.nodeValue;
      continue;
    }
    attributes(found, next);
    children(found, next);
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

export default {
  template: "<div></div>",
  props: { html: String },
  mounted() {
    this.$el.innerHTML = this.html;
  },
  watch: {
    html(now) {
      const made = document.createElement("template");
      made.innerHTML = now;
      children(this.$el, made.content);
    },
  },
};
