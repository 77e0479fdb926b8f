
(() => {
  "use strict";
  // The page of an incident that is not over grows: what changed is put in the place of what was there.
  const live = document.getElementById("live");
  if (!live) return;
  const state = document.getElementById("live-state");
  const say = (text) => { if (state.textContent !== text) state.textContent = text; };
  const path = live.dataset.path;
  let timer = 0;
  let busy = false;
  let again = false;

  const key = (element, number) => element.id || `${element.tagName}-${number}`;
  const replace = (from, to) => {
    // What a person unfolded stays so.
    const folds = (part) => [...part.querySelectorAll("details")];
    folds(to).forEach((one, number) => { if (folds(from)[number]?.open) one.open = true; });
    from.replaceWith(to);
  };
  const merge = (from, to) => {
    const old = new Map([...from.children].map((child, number) => [key(child, number), child]));
    const isSame = from.children.length === to.children.length
      && [...to.children].every((child, number) => old.has(key(child, number)));
    if (!isSame) { from.replaceChildren(...to.childNodes); return; }
    [...to.children].forEach((child, number) => {
      const known = old.get(key(child, number));
      // Where somebody is, nothing is taken away beneath their hands.
      const isHeld = known.contains(document.activeElement);
      if (known.dataset.was !== child.outerHTML && !isHeld) {
        const was = child.outerHTML;
        replace(known, child);
        child.dataset.was = was;
      }
    });
  };
  const load = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(path, { cache: "no-store", credentials: "same-origin" });
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const other = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of ["header.head", "main", "nav.contents"]) {
        const [from, to] = [document.querySelector(part), other.querySelector(part)];
        if (from && to) { from.className = to.className; merge(from, to); }
      }
      document.title = other.title;
      document.dispatchEvent(new CustomEvent("grown"));
      say(other.getElementById("live").dataset.over ? "over" : "live");
    } catch {
      say("not connected");
    } finally {
      busy = false;
      if (again) { again = false; load(); }
    }
  };
  const listen = new EventSource(`/api/v1${path}/events?since=${live.dataset.size}`);
  listen.addEventListener("open", () => say(live.dataset.over ? "over" : "live"));
  listen.addEventListener("error", () => say("not connected"));
  listen.addEventListener("grown", () => { clearTimeout(timer); timer = setTimeout(load, 150); });
})();
