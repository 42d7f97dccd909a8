"""Pictures of the report's first screen: python -m tests.screens FOLDER, with Chromium installed.

Of the published run as a steady, a noisy and an unusable one, and of a partial one; on a screen and
on a phone, light and dark. What makes a run steady is set here; all other numbers are measured.
"""

import json
import shutil
import sys
from copy import deepcopy
from pathlib import Path

from benchmarks.show import report
from tests.test_readme import shown

SIZES = {"screen": (1400, 900), "phone": (400, 800)}
SCHEMES = "light", "dark"
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars",
)  # fmt: skip


def as_if(run, drift, half):
    """The run as if in every process the machine had drifted, and every ratio were so uncertain."""
    run = deepcopy(run)
    for process in run["processes"]:
        process |= {"drift": drift, "unstable": drift > 0.1}
    for row in run["benchmarks"]:
        for name, (value, *_) in row["extra_info"]["ratio"].items():
            row["extra_info"]["ratio"][name] = [value, value / (1 + half), value * (1 + half)]
    return run


def without(run, backend):
    """The run as if the processes of a backend had failed."""
    run = deepcopy(run)
    run["benchmarks"] = [r for r in run["benchmarks"] if r["extra_info"]["backend"] != backend]
    gone = [p for p in run["processes"] if p["name"] == backend]
    run["processes"] = [process for process in run["processes"] if process not in gone]
    run["failed"] = [{"name": p["name"], "reason": "ended by signal 9"} for p in gone]
    return run


def runs():
    """The runs by their names."""
    run = json.loads(shown().read_bytes())
    return {
        "steady": as_if(run, 0.04, 0.02), "noisy": as_if(run, 0.4, 0.1),
        "unusable": as_if(run, 0.8, 0.5), "partial": without(as_if(run, 0.04, 0.02), "torch"),
    }  # fmt: skip


def browser(profile):
    """A headless Chromium; None if it or its driver is not installed."""
    from selenium import webdriver

    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not program or not driver:
        return None
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    return webdriver.Chrome(options, webdriver.ChromeService(driver))


def take(chromium, page, to, size, scheme):
    """Open the page in a window of this size and color scheme, and store what is seen of it."""
    width, height = SIZES[size]
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = [{"name": "prefers-color-scheme", "value": scheme}]
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})
    chromium.get(page.as_uri())
    to.write_bytes(chromium.get_screenshot_as_png())


def pages(folder):
    """The report of each run, in a folder of its own, by the name of the run."""
    for name, run in runs().items():
        path = folder / name / "0001_full.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(run))
        report.write(path, chosen=True)
        yield name, path.with_name("report.html")


def main(folder):
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = browser(folder / "profile")
    if chromium is None:
        sys.exit("no chromium with chromedriver is installed")
    for name, page in pages(folder):
        for size in SIZES:
            for scheme in SCHEMES:
                picture = folder / f"{name}_{size}_{scheme}.png"
                take(chromium, page, picture, size, scheme)
                print(picture)
    chromium.quit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
