// Looks at report pages in a headless Chromium: light and dark, desktop and phone. Nothing may be logged as an error, nothing
// asked of a server, and axe may find nothing serious. Pictures go beside each page.
//
//   npm install puppeteer-core axe-core
//   CHROMIUM=/usr/bin/chromium node look.mjs report.html …
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(resolve(process.cwd(), "x.js"));
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const views = [
  { name: "desktop", width: 1280, height: 900, deviceScaleFactor: 1 },
  { name: "phone", width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
];
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
let bad = 0;
const complain = (page, text) => { bad += 1; console.log(`${page}: ${text}`); };

for (const file of process.argv.slice(2)) {
  const address = pathToFileURL(resolve(file)).href;
  for (const view of views) {
    for (const scheme of ["light", "dark"]) {
      const what = `${file} ${view.name} ${scheme}`;
      const page = await browser.newPage();
      await page.setViewport(view);
      await page.emulateMediaFeatures([
        { name: "prefers-color-scheme", value: scheme },
        { name: "prefers-reduced-motion", value: "reduce" },
      ]);
      page.on("console", (line) => ["error", "warn"].includes(line.type()) && complain(what, line.text()));
      page.on("pageerror", (error) => complain(what, error.message));
      page.on("request", (request) => request.url() !== address && complain(what, `asks for ${request.url()}`));
      await page.goto(address);
      const drawn = await page.evaluate(() => new Promise((done) => {
        requestAnimationFrame(() => setTimeout(() => done(performance.now()), 0));
      }));
      if (drawn > 1000) complain(what, `drawn after ${drawn.toFixed(0)} ms`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) complain(what, `${wide} pixels wider than the screen`);
      await page.screenshot({ path: `${file}.${view.name}.${scheme}.png`, fullPage: true });
      await page.screenshot({ path: `${file}.${view.name}.${scheme}.top.png` });
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
      // The page's own policy keeps this out of it; it is run beside it.
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      for (const { id, impact, nodes } of violations) {
        const serious = ["serious", "critical"].includes(impact);
        const at = nodes.slice(0, 3).map((node) => node.target.join(" ")).join("; ");
        if (serious) complain(what, `axe: ${impact} ${id} at ${at}`);
        else console.log(`${what}: axe: ${impact} ${id} at ${at}`);
      }
      await keys(page, what);
      console.log(`${what}: drawn after ${drawn.toFixed(0)} ms`);
      await page.close();
    }
  }
}

// The strip is reached by the Tab key and told by the arrow keys.
async function keys(page, what) {
  if (!(await page.$("#strip"))) return;
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  let reached = false;
  for (let count = 0; count < 200 && !reached; count += 1) {
    await page.keyboard.press("Tab");
    reached = await page.evaluate(() => document.activeElement.id === "strip");
  }
  if (!reached) return complain(what, "the history is not reached by the Tab key");
  const told = () => page.$eval("#strip-detail", (detail) => detail.textContent);
  await page.keyboard.press("Home");
  const first = await told();
  await page.keyboard.press("ArrowRight");
  if ((await told()) === first) complain(what, "the arrow keys do not go on");
}

await browser.close();
process.exitCode = bad > 0 ? 1 : 0;
console.log(bad > 0 ? `${bad} complaints` : "nothing to complain about");
