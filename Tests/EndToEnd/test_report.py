"""The report of a simulated life in a browser: on a phone and on a desk, in light and dark."""

import json
import subprocess

from harness.browser import Browser
from harness.case import EndToEndTest
from harness.processes import ROOT

LAB = ROOT / ".build/debug/sandpiper-lab"
TOOL = ROOT / ".build/debug/course-report"
SCREENS = [(width, height, theme) for width, height in [(360, 800), (1280, 900)]
           for theme in ["light", "dark"]]
SMALLEST_TEXT = 11
LEAST_CONTRAST = 4.5

# Every piece of text as the page shows it: its boxes, its size and its contrast.
MEASURE = """
(() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
      if (colour[3] > 0) throw new Error('half of a background below ' + element.className);
    }
    return [255, 255, 255];
  };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.data.trim() || ['SCRIPT', 'STYLE', 'title'].includes(element.tagName)) continue;
    const head = element.closest('thead');
    if (head && getComputedStyle(head).position === 'absolute') continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const boxes = [...range.getClientRects()].filter(box => box.width > 0.5)
      .map(box => [box.left, box.top + scrollY, box.right, box.bottom + scrollY]);
    if (!boxes.length) continue;
    const style = getComputedStyle(element);
    const [a, b] = [luminance(channels(style.color)), luminance(ground(element))];
    texts.push({ text: node.data.trim().slice(0, 40), boxes, size: parseFloat(style.fontSize),
      contrast: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) });
  }
  return { texts, width: document.documentElement.scrollWidth, screen: innerWidth,
    ground: getComputedStyle(document.body).backgroundColor };
})()
"""



def overlapping(texts):
    """Pairs of texts whose boxes cover one another by more than a pixel or two."""
    boxes = sorted(((box, text["text"]) for text in texts for box in text["boxes"]),
                   key=lambda entry: entry[0][1])
    found = []
    for index, (one, text) in enumerate(boxes):
        for other, another in boxes[index + 1:]:
            if other[1] >= one[3] - 2:
                break
            if min(one[2], other[2]) - max(one[0], other[0]) > 1:
                found.append((text, another))
    return found


class Report(EndToEndTest):
    """Pages as Chromium lays them out."""

    def setUp(self):
        super().setUp()
        self.browser = Browser(self.folder / "browser")
        self.addCleanup(self.browser.stop)

    def page(self, kind):
        """The file of a made-up life's report."""
        path = self.folder / f"{kind}.html"
        path.write_bytes(
            subprocess.run([TOOL, kind], stdout=subprocess.PIPE, check=True, timeout=60).stdout)
        return path

    def expect_readable(self, path):
        """Measures the page on all screens; returns the background of each theme."""
        grounds = {}
        for width, height, theme in SCREENS:
            self.browser.show(path, width, height, theme)
            seen = self.browser.value(MEASURE)
            with self.subTest(page=path.stem, width=width, theme=theme):
                self.assertGreater(len(seen["texts"]), 40)
                self.assertEqual(seen["screen"], width)
                self.assertLessEqual(seen["width"], width, "the page is wider than the screen")
                for text in seen["texts"]:
                    self.assertGreaterEqual(text["size"], SMALLEST_TEXT, text)
                    self.assertGreaterEqual(text["contrast"], LEAST_CONTRAST, text)
                    for box in text["boxes"]:
                        self.assertGreaterEqual(box[0], 0, text)
                        self.assertLessEqual(box[2], width, text)
                self.assertEqual(overlapping(seen["texts"]), [])
                self.assertEqual(self.browser.complaints(), [])
                self.assertEqual(
                    [url for url in self.browser.requests() if not url.startswith("data:")],
                    [path.resolve().as_uri()], "nothing is fetched")
            grounds[theme] = seen["ground"]
        return grounds

    def test_what_is_measured_finds_what_is_wrong(self):
        path = self.folder / "bad.html"
        path.write_text("""<!DOCTYPE html><meta name="viewport" content="width=device-width">
            <body style="background:#fff"><p style="width:1400px">wide</p>
            <p style="font-size:9px;color:#888">small and pale</p>
            <p style="position:absolute;top:300px">one</p>
            <p style="position:absolute;top:305px">another</p>""")
        self.browser.show(path, 1280, 900, "light")
        seen = self.browser.value(MEASURE)
        self.assertGreater(seen["width"], 1280)
        pale = next(text for text in seen["texts"] if "pale" in text["text"])
        self.assertEqual(pale["size"], 9)
        self.assertAlmostEqual(pale["contrast"], 3.54, delta=0.01)
        self.assertEqual(overlapping(seen["texts"]), [("one", "another")])

    def test_a_life_that_was_simulated_is_readable(self):
        scenario, path = self.folder / "cut.json", self.folder / "life.html"
        scenario.write_text(json.dumps({
            "title": "Cut off", "length": "40m",
            "events": [
                {"at": "10m", "do": "cut", "for": "15m"}, {"at": "30m", "do": "power-cut"}]}))
        subprocess.run(
            [LAB, "simulate", ROOT / "devices/greenhouse.json", "--hardware", "pi-zero-w",
             "--scenario", scenario, "--report", path], stdout=subprocess.DEVNULL, check=True,
            timeout=60)
        self.expect_readable(path)
        text = self.browser.value("document.body.innerText")
        self.assertRegex(text, r"Nothing was lost|Every reading is accounted for")
        self.assertIn(f"--scenario {scenario} --seed 1", text)
        self.assertRegex(text, r"1[45]\smin")

    def test_a_month_is_readable_on_all_screens_in_both_themes(self):
        grounds = self.expect_readable(self.page("plausible"))
        self.assertNotEqual(grounds["light"], grounds["dark"])

    def test_months_with_losses_are_readable(self):
        self.expect_readable(self.page("lossy"))

    def test_a_life_of_which_nothing_is_known_is_readable(self):
        self.expect_readable(self.page("empty"))

    def test_names_that_would_be_html_are_text(self):
        path = self.page("hostile")
        self.expect_readable(path)
        self.assertEqual(self.browser.value("document.querySelectorAll('img').length"), 0)
        self.assertEqual(self.browser.value("document.scripts.length"), 1)

    def test_the_pointer_reads_values_off_the_plots(self):
        self.browser.show(self.page("plausible"), 1280, 900, "light")
        place = self.browser.value("""
            (() => {
              const plot = document.querySelectorAll('.plot')[2];
              plot.scrollIntoView({ block: 'center' });
              const box = plot.getBoundingClientRect();
              return [box.left + box.width / 2, box.top + box.height / 2];
            })()""")
        self.browser.ask("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
        words = self.browser.value(
            "[...document.querySelectorAll('.out:not([hidden])')].map(e => e.textContent)")
        self.assertRegex(words[0], r"^15 d · [\d.]+ (B|KiB)$")
        self.assertTrue(any("median" in text and "ms" in text for text in words), words)
