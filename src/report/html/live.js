
(() => {
  "use strict";
  // The page of an incident that is not over grows: what changed is put in the place of what was there.
  const live = document.getElementById("live");
  if (!live) return;
  const state = document.getElementById("live-state");
  const path = live.dataset.path;
  let last = live.dataset.size;
  let isOver = Boolean(live.dataset.over);
  let isConnected = false;
  let isKept = false;
  let timer = 0;
  let due = Infinity;
  let busy = false;
  let again = false;

  const tell = () => {
    const word = isOver ? "over" : isKept ? "live, a change waits until you leave the buttons" : "live";
    const text = isConnected ? word : "not connected: this may be old";
    if (state.textContent !== text) state.textContent = text;
    state.classList.toggle("old", !isConnected);
  };
  // What each part was when it came; scripts change it afterwards.
  const came = new WeakMap();
  const key = (element, number) => element.id || `${element.tagName}-${number}`;
  // Where somebody is about to press something, nothing is taken away beneath their hands.
  const isHeld = (part) => {
    const focused = document.activeElement;
    return (part.contains(focused) && focused.matches("button, input, a, summary, [role=slider]"))
      || part.querySelector(".acts:hover") !== null;
  };
  const replace = (from, to) => {
    // What a person unfolded stays so, and who scrolls by the keys goes on.
    const all = (part, what) => [...part.querySelectorAll(what)];
    all(to, "details").forEach((one, number) => { if (all(from, "details")[number]?.open) one.open = true; });
    const at = all(from, "[tabindex]").indexOf(document.activeElement);
    from.replaceWith(to);
    if (at >= 0) all(to, "[tabindex]")[at]?.focus({ preventScroll: true });
  };
  const merge = (from, to) => {
    const known = new Map([...from.children].map((child, number) => [key(child, number), child]));
    let before = null;
    [...to.children].forEach((child, number) => {
      const name = key(child, number);
      const old = known.get(name);
      known.delete(name);
      const text = child.outerHTML;
      let put = child;
      if (old && came.get(old) === text) put = old;
      else if (old && isHeld(old)) { put = old; isKept = true; }
      else came.set(child, text);
      if (old && put === child) replace(old, child);
      const place = before ? before.nextElementSibling : from.firstElementChild;
      if (place !== put) from.insertBefore(put, place);
      before = put;
    });
    for (const gone of known.values()) gone.remove();
  };
  const load = async () => {
    clearTimeout(timer);
    due = Infinity;
    if (busy) { again = true; return; }
    busy = true;
    try {
      const signal = AbortSignal.timeout(20000);
      const answer = await fetch(path, { cache: "no-store", credentials: "same-origin", signal });
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const other = new DOMParser().parseFromString(await answer.text(), "text/html");
      isKept = false;
      for (const part of ["header.head", "main", "nav.contents"]) {
        const [from, to] = [document.querySelector(part), other.querySelector(part)];
        if (from && to) { from.className = to.className; merge(from, to); }
      }
      document.title = other.title;
      document.dispatchEvent(new CustomEvent("grown"));
      isOver = Boolean(other.getElementById("live").dataset.over);
    } catch {
      // Until it is had, what is shown is old.
      isConnected = false;
      soon(3000);
    } finally {
      busy = false;
      tell();
      if (again) { again = false; soon(150); }
      grow();
    }
  };
  // What is asked for first counts.
  const soon = (wait) => {
    const at = performance.now() + wait;
    if (at >= due) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(load, wait);
  };
  // While it is down, the time that it is grows though nothing happens.
  const grow = () => { if (document.querySelector("[data-grows]")) soon(5000); };
  const listen = () => {
    const stream = new EventSource(`/api/v1${path}/events?since=${last}`);
    stream.addEventListener("open", () => { isConnected = true; tell(); });
    stream.addEventListener("error", () => {
      isConnected = false;
      tell();
      // One that was refused, as by a proxy while the server starts, is not begun again by itself.
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => { listen(); soon(0); }, 3000);
    });
    stream.addEventListener("grown", (event) => {
      last = event.lastEventId || last;
      isConnected = true;
      soon(150);
    });
  };
  for (const left of ["focusout", "pointerout"]) {
    document.addEventListener(left, () => { if (isKept) soon(300); });
  }
  listen();
  grow();
})();
