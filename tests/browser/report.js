/*
 * A page of fastbal report in a real browser, for tests/cli/test_report.py: what it asks for on stdin as JSON is done, and any
 * difference ends the program with an error. Errors on the console, and any request over a network, are differences.
 *
 *     node report.js CHROMIUM SCENARIO <asked.json        NODE_PATH: where playwright-core is
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const { chromium } = require("playwright-core");

const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const wrong = [];

async function open(context, file, tab = "inspector") {
  const page = await context.newPage();
  page.on("console", message => { if (["error", "warning"].includes(message.type())) wrong.push(message.text()); });
  page.on("pageerror", error => wrong.push(String(error.stack)));
  page.on("request", request => { if (!/^(file|data|blob):/.test(request.url())) wrong.push(request.url()); });
  await page.goto(`file://${file}#show-${tab}`);
  return page;
}

const listed = page => page.evaluate("listed.map(i => quasars.TARGETID[i])");
const chosen = page => page.textContent("#about h2");
const inView = page => page.evaluate("view.view");
const width = range => range[1] - range[0];
const shown = page => page.$$eval("#rows [role=row] [role=gridcell]:first-child", cells => cells.map(c => c.textContent));

async function exported(page) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#export")]);
  return fs.readFileSync(await download.path(), "utf8");
}

/* Contrast as WCAG defines it. */
function contrast(a, b) {
  const light = text => {
    const [r, g, b] = text.match(/[\d.]+/g).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}

const scenarios = {
  async sorts(context) {
    const page = await open(context, asked.file);
    assert.deepEqual(await listed(page), asked.catalog_order);
    for (const [key, down] of asked.orders) {
      const head = page.locator(`#head [data-key=${key}]`);
      await head.locator("button").click();
      assert.deepEqual(await listed(page), down);
      assert.equal(await head.getAttribute("aria-sort"), "descending");
      assert.deepEqual((await shown(page)).slice(0, 3), down.slice(0, 3));
      await head.locator("button").click();
      assert.equal(await head.getAttribute("aria-sort"), "ascending");
      assert.equal(await page.isDisabled("#previous"), (await listed(page))[0] === await chosen(page));
      assert.equal((await listed(page))[0], down[down.length - 1]);
    }
    await page.click("#head [data-key=TARGETID] button");
    assert.deepEqual(await listed(page), asked.by_targetid);
  },

  async filters(context) {
    const page = await open(context, asked.file);
    for (const [text, ids] of asked.filters) {
      await page.fill("#filter", text);
      assert.deepEqual(await listed(page), ids, text);
      assert.match(await page.textContent("#count"), new RegExp(`^${ids.length} of ${asked.total} `));
    }
    await page.fill("#filter", "AI > nonsense");
    assert.match(await page.textContent("#filter-error"), /“AI>nonsense” is not understood/);
    assert.equal(await page.getAttribute("#filter", "aria-invalid"), "true");
    await page.fill("#filter", "AI > 1e9");
    assert.deepEqual(await shown(page), []);
    assert.match(await page.textContent("#message"), /No quasar is chosen/);
    await page.fill("#filter", "");
    assert.equal(await page.textContent("#filter-error"), "");
    assert.deepEqual(await listed(page), asked.catalog_order);
  },

  async zooms(context) {
    const page = await open(context, asked.file);
    const over = page.locator("#plot .u-over"), box = await over.boundingBox();
    const first = await inView(page), at = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(...at);
    await page.mouse.wheel(0, -400);
    await page.waitForFunction(w => view.view[1] - view.view[0] < w, width(first));
    const near = await inView(page);
    assert.ok(width(near) < 0.8 * width(first), "the wheel zooms");
    await page.mouse.down();
    await page.mouse.move(at[0] + 100, at[1], { steps: 4 });
    await page.mouse.up();
    const panned = await inView(page), by = -100 * width(near) / box.width;
    assert.ok(Math.abs(panned[0] - near[0] - by) < 0.05 * Math.abs(by), "dragging pans");
    assert.ok(Math.abs(width(panned) - width(near)) < 1e-6);
    assert.match(await page.textContent("#readout"), /Å at rest, .* Å observed: .* km\/s from C IV/);
    await over.dblclick();
    assert.deepEqual(await inView(page), await page.evaluate("view.full()"));
    for (const [button, narrower] of [["#zoom-in", true], ["#zoom-out", false]]) {
      const before = width(await inView(page));
      await page.click(button);
      assert.equal(width(await inView(page)) < before, narrower);
    }
    assert.equal(await page.evaluate("view.plot.scales.x.max - view.plot.scales.x.min"), width(await inView(page)));
    /* All that is in view is drawn, however it is binned. */
    for (const range of ["view.full()", "[1400, 1600]", "view.full()"]) {
      await page.evaluate(`view.look(...${range})`);
      await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
      const [low, high] = await page.evaluate("view.plot.series[3].idxs.map(i => view.plot.data[0][i])"), seen = await inView(page);
      assert.ok(Math.abs(low - seen[0]) < 30 && Math.abs(high - seen[1]) < 30, `${low} to ${high} is drawn of ${seen}`);
      const [pixels, binned] = await page.evaluate("[view.spectrum, view.binned].map(s => s.pixels.reduce((a, b) => a + b))");
      assert.equal(pixels, binned);
      assert.ok(await page.evaluate("view.binned.rest.every((x, i, rest) => i === 0 || x > rest[i - 1])"));
    }
    /* far in, every pixel is drawn, and beyond 1720 A every bin of 4 */
    for (const [range, legend, readout] of [["1500, 1520", "flux and error", / ± [\d.,]+, continuum/],
      ["1700, 1740", "flux and error, bins of 4 pixels beyond 1720 Å"],
      ["1800, 1820", "flux and error, bins of 4 pixels", / ± [\d.,]+ in a bin of 4 pixels, continuum/]]) {
      await page.evaluate(`view.look(${range})`);
      assert.equal(await page.evaluate("view.binned.per"), 1);
      assert.equal(await page.textContent("#flux-name"), legend);
      for (const by of [30, 0]) await page.mouse.move(at[0] + by, at[1]);
      if (readout) await page.waitForFunction(text => new RegExp(text).test(view.readout.textContent), readout.source);
    }
    await page.evaluate("view.showAll()");
    const per = await page.evaluate("view.binned.per");
    assert.ok(per > 4);
    assert.equal(await page.textContent("#flux-name"), `flux and error, bins of ${per} pixels`);
  },

  /* Keys, verdicts, export, and what a reload keeps. */
  async judges(context) {
    let page = await open(context, asked.file);
    const ids = asked.catalog_order;
    assert.ok(await page.isDisabled("#export"));
    await page.keyboard.press("b");
    await page.keyboard.press("j");
    assert.equal(await chosen(page), ids[1]);
    await page.keyboard.press("n");
    await page.keyboard.press("e");
    await page.keyboard.type(asked.note);
    await page.keyboard.press("Enter");
    await page.keyboard.press("j");
    await page.keyboard.press("u");
    await page.keyboard.press("u"); /* taken back */
    await page.keyboard.press("j");
    await page.click("[data-verdict=unsure]");
    await page.keyboard.press("k");
    assert.equal(await chosen(page), ids[2]);
    assert.equal(await exported(page), asked.csv);
    await page.reload();
    assert.equal(await page.getAttribute("[data-verdict=BAL]", "aria-pressed"), "true");
    assert.equal(await exported(page), asked.csv);
    await page.keyboard.press("j");
    assert.equal(await page.inputValue("#note"), asked.note);
    await page.selectOption("#filter-verdict", "not BAL");
    assert.deepEqual(await listed(page), [ids[1]]);
    await page.selectOption("#filter-verdict", "none");
    assert.deepEqual(await listed(page), ids.filter((id, k) => ![0, 1, 3].includes(k)));
    page = await open(context, asked.other); /* another catalog */
    assert.ok(await page.isDisabled("#export"));
    page = await open(context, asked.again); /* the same one in another page */
    assert.equal(await exported(page), asked.csv);
    await page.check("#advance");
    await page.focus("#scroller");
    await page.keyboard.press("u");
    assert.equal(await chosen(page), ids[1]);
  },

  async keyboard(context) {
    const page = await open(context, asked.file, "overview");
    const focused = () => page.evaluate("document.activeElement === document.body ? '' : document.activeElement.id || document.activeElement.textContent");
    const visible = () => page.evaluate(`(e => e.matches(":focus-visible") && getComputedStyle(e).outlineStyle !== "none" &&
      parseFloat(getComputedStyle(e).outlineWidth) >= 2)(document.activeElement)`);
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "tab-overview");
    await page.keyboard.press("ArrowRight");
    assert.equal(await focused(), "tab-inspector");
    const reached = [];
    for (let k = 0; k < 40; k++) {
      await page.keyboard.press("Tab");
      const now = await focused();
      if (reached.includes(now) || !now) break;
      reached.push(now);
      assert.ok(await visible(), `focus is not visible on ${now}`);
      const name = await page.evaluate(`(e => e.getAttribute("aria-label") || e.textContent.trim() ||
        e.labels?.[0]?.textContent.trim() || "")(document.activeElement)`);
      assert.ok(name, `${now} has no name`);
      if (now === "scroller") {
        await page.keyboard.press("ArrowDown");
        assert.equal(await chosen(page), asked.catalog_order[1]);
        await page.keyboard.press("End");
        assert.equal(await chosen(page), asked.catalog_order.at(-1));
        await page.keyboard.press("Home");
        assert.equal(await chosen(page), asked.catalog_order[0]);
        assert.equal(await page.evaluate("document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).ariaSelected"), "true");
      }
      if (now === "plot") {
        const before = await inView(page);
        await page.keyboard.press("ArrowUp");
        assert.ok(width(await inView(page)) < width(before));
        await page.keyboard.press("ArrowLeft");
        await page.keyboard.press("0");
        assert.deepEqual(await inView(page), await page.evaluate("view.full()"));
      }
    }
    for (const id of ["filter", "filter-verdict", "scroller", "plot", "zoom-in", "next", "note", "advance"]) {
      assert.ok(reached.includes(id), `${id} can't be reached: ${reached}`);
    }
    await page.keyboard.press("/");
    assert.equal(await focused(), "filter");
    await page.keyboard.type("AI > 500");
    await page.keyboard.press("Escape");
    assert.equal(await focused(), "scroller");
    await page.keyboard.press("b");
    assert.equal(await page.getAttribute("[data-verdict=BAL]", "aria-pressed"), "true");
  },

  async schemes(context) {
    const page = await open(context, asked.file, "overview"), papers = [];
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.click("#tab-overview");
      const colours = await page.evaluate(`["body", "#remarks"].map(s => getComputedStyle(document.querySelector(s)).color)`);
      const paper = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      for (const colour of colours) assert.ok(contrast(colour, paper) >= 4.5, `${colorScheme}: ${colour} on ${paper}`);
      papers.push(paper);
      await page.click("#tab-inspector");
      assert.equal(await page.evaluate("view.plot.series[3].stroke()"),
        await page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--flux').trim()"));
    }
    assert.ok(contrast(...papers) > 10);
    assert.equal(await page.locator("figure").count(), 12);
    await page.setViewportSize({ width: 700, height: 900 });
    assert.ok(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "a narrow window needs no scrolling");
  },

  /* The numbers that are drawn. */
  async decodes(context) {
    const page = await open(context, asked.file);
    for (const s of asked.spectra) {
      const drawn = await page.evaluate(`(s => decodeSpectrum(data.spectra[s], byId("spectrum-" + s).textContent,
        quasars.Z[data.spectra[s].quasar]))(${s.number})`);
      assert.equal(drawn.rest.length, s.rest.length);
      assert.deepEqual(drawn.pixels, s.rest.map((x, i) => i < s.full ? 1 : 4));
      for (let i = 0; i < s.rest.length; i++) {
        const sigma = s.error[i], scale = s.scale;
        assert.ok(Math.abs(drawn.rest[i] - s.rest[i]) < 1e-3);
        assert.equal(drawn.flux[i] === null, sigma === null);
        if (sigma !== null) {
          assert.ok(Math.abs(drawn.flux[i] - s.flux[i]) <= s.coarse, `flux ${drawn.flux[i]}, not ${s.flux[i]}`);
          assert.ok(Math.abs(drawn.error[i] / sigma - 1) < 0.023, `error ${drawn.error[i]}, not ${sigma}`);
        }
        assert.ok(Math.abs(drawn.continuum[i] - s.continuum[i]) < 0.01 * scale, `continuum ${drawn.continuum[i]}, not ${s.continuum[i]}`);
      }
    }
    const ranges = await page.evaluate("troughs[0].map(troughRange)");
    asked.ranges.forEach((range, k) => range.forEach((x, i) => assert.ok(Math.abs(ranges[k][i] - x) < 1e-2)));
  },

  /* Catalogs that leave nothing to show, texts that look like markup. */
  async opens(context) {
    for (const { file, overview, inspector, listed: n } of asked.pages) {
      const page = await open(context, file, "overview");
      assert.match(await page.textContent("#overview"), new RegExp(overview));
      await page.click("#tab-inspector");
      assert.match(await page.textContent("#inspector"), new RegExp(inspector));
      assert.equal((await listed(page)).length, n);
      await page.keyboard.press("j");
      await page.keyboard.press("+");
      await page.click("#tab-provenance");
      if (asked.text) assert.ok((await page.textContent("#provenance")).includes(asked.text));
      assert.equal(await page.evaluate("window.broken"), undefined);
    }
  },
};

(async () => {
  const browser = await chromium.launch({ executablePath: process.argv[2], args: ["--no-sandbox"] });
  try {
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, acceptDownloads: true });
    await scenarios[process.argv[3]](context);
    assert.deepEqual(wrong, []);
  } finally {
    await browser.close();
  }
})().catch(error => {
  console.error(error.message ?? error, error.stack ?? "");
  process.exit(1);
});
