
(() => {
  "use strict";
  document.documentElement.classList.add("scripted");

  // The history strip: the pointer and the keys go from commit to commit.
  const prepareStrip = () => {
    const strip = document.getElementById("strip");
    const data = document.getElementById("strip-data");
    if (!strip || !data || strip.getAttribute("role") === "slider") return;
    const { x, commits, ran, at } = JSON.parse(data.textContent);
    const detail = document.getElementById("strip-detail");
    const cursor = document.getElementById("strip-cursor");
    const svg = strip.querySelector("svg");
    let now = at;

    const part = (name, text) => {
      const element = document.createElement(name);
      element.textContent = text;
      return element;
    };
    const show = (to, follow) => {
      now = Math.max(0, Math.min(commits.length - 1, to));
      const [id, said, subject, by] = commits[now];
      const who = part("span", by);
      who.className = "muted";
      detail.replaceChildren(part("code", id), " ", part("b", said), " ", subject, " ", who);
      cursor.setAttribute("x1", x[now]);
      cursor.setAttribute("x2", x[now]);
      cursor.setAttribute("visibility", "visible");
      strip.setAttribute("aria-valuenow", now + 1);
      strip.setAttribute("aria-valuetext", `${id} ${said}: ${subject}`);
      if (follow) reveal(x[now]);
    };
    const reveal = (place) => {
      const left = svg.getBoundingClientRect().left - strip.getBoundingClientRect().left + strip.scrollLeft;
      strip.scrollLeft = left + place - strip.clientWidth / 2;
    };
    const nearest = (place) => {
      let low = 0;
      let high = x.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (x[middle] < place) low = middle + 1; else high = middle;
      }
      return low > 0 && place - x[low - 1] < x[low] - place ? low - 1 : low;
    };
    const pointed = (event) => {
      const box = svg.getBoundingClientRect();
      show(nearest((event.clientX - box.left) * svg.viewBox.baseVal.width / box.width), false);
    };
    const trial = (forward) => {
      const next = forward ? ran.find((one) => one > now) : ran.findLast((one) => one < now);
      return next ?? now;
    };
    const keys = {
      ArrowLeft: () => now - 1,
      ArrowRight: () => now + 1,
      PageUp: () => trial(false),
      PageDown: () => trial(true),
      Home: () => 0,
      End: () => commits.length - 1,
    };
    strip.setAttribute("role", "slider");
    strip.setAttribute("aria-valuemin", 1);
    strip.setAttribute("aria-valuemax", commits.length);
    strip.setAttribute("aria-valuenow", now + 1);
    strip.setAttribute("aria-valuetext", detail.textContent);
    // The value is told by the slider itself.
    detail.removeAttribute("aria-live");
    svg.addEventListener("pointermove", pointed);
    svg.addEventListener("pointerdown", pointed);
    strip.addEventListener("keydown", (event) => {
      const go = keys[event.key];
      if (!go || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      show(go(), true);
    });
    if (x.length > 0) reveal(x[now]);
  };

  // Commands are there to be copied.
  const prepareCommands = () => {
    if (!navigator.clipboard) return;
    for (const place of document.querySelectorAll(".command")) {
      if (place.querySelector("button")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(place.querySelector("code").textContent);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      place.append(button);
    }
  };

  // A page that grows gets new parts.
  const prepare = () => { prepareStrip(); prepareCommands(); };
  prepare();
  document.addEventListener("grown", prepare);

  // On paper nothing is folded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
})();
