// Looks at the live page of `pybisect serve` in a headless Chromium: comes in by the token, opens the latest incident, gives
// leave by a button, and sees it grow. Nothing may be logged as an error, nothing asked of another server, and axe may find
// nothing serious. Pictures go into the folder.
//
//   npm install puppeteer-core axe-core
//   CHROMIUM=/usr/bin/chromium node live.mjs http://127.0.0.1:8710 TOKEN FOLDER
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const require = createRequire(resolve(process.cwd(), "x.js"));
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [server, token, folder] = process.argv.slice(2);

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
let bad = 0;
const complain = (text) => { bad += 1; console.log(text); };
const page = await browser.newPage();
const expected = /status of 401/; // of the page that asks for the token
page.on("console", (line) => {
  if (["error", "warn"].includes(line.type()) && !expected.test(line.text())) complain(`console: ${line.text()}`);
});
page.on("pageerror", (error) => complain(`error: ${error.message}`));
page.on("request", (request) => {
  if (!request.url().startsWith(server)) complain(`asks for ${request.url()}`);
});
const look = async (name) => {
  for (const [form, width, isMobile] of [["desktop", 1280, false], ["phone", 390, true]]) {
    for (const scheme of ["light", "dark"]) {
      await page.setViewport({ width, height: 900, isMobile });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) complain(`${name} ${form}: ${wide} pixels wider than the screen`);
      await page.screenshot({ path: join(folder, `${name}.${form}.${scheme}.png`) });
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      for (const { id, impact, nodes } of violations) {
        const serious = ["serious", "critical"].includes(impact);
        const text = `${name} ${form} ${scheme}: axe: ${impact} ${id} at ${nodes[0].target.join(" ")}`;
        if (serious) complain(text);
        else console.log(text);
      }
    }
  }
};

await page.goto(`${server}/`);
await look("token");
await page.type("#token", token);
await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
await look("incidents");
await Promise.all([page.waitForNavigation(), page.click("table a")]);
await look("open");
const leave = "form[action$='/approve'] button";
if (await page.$(leave)) {
  // The page grows meanwhile: the button is taken where it is.
  await Promise.all([page.waitForNavigation(), page.$eval(leave, (button) => button.click())]);
  await page.evaluate(() => { window.same = true; });
  await page.waitForFunction(() => document.getElementById("live-state").textContent === "over", { timeout: 300000 });
  if (!await page.evaluate(() => window.same)) complain("the page was loaded again");
  await look("over");
}
await browser.close();
console.log(bad === 0 ? "all well" : `${bad} complaints`);
process.exit(bad === 0 ? 0 : 1);
