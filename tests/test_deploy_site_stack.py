"""The site's part of the stack: a private bucket behind CloudFront, the upload in the docs, page and card as served."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from deploy.browser import watch
from deploy.compress import compress_folder
from deploy.site import build_site
from tests.bundle_factory import folder_in_site, make_bundle
from tests.stack_tools import ROOT, as_list, source, transform

AWS = '''#!{python}
"""In the place of the AWS command line: `s3 cp` by pattern, `s3 sync`, and a list of what it was called with."""
import fnmatch, json, os, shutil, sys
from pathlib import Path

bucket, words = Path(os.environ["FAKE_BUCKET"]), sys.argv[1:]
log = json.loads((bucket / "log.json").read_text())
log["calls"].append(words)
options = dict(zip(words, words[1:]))
for path in sorted(path for path in Path(".").rglob("*") if path.is_file()):
    name = str(path)
    if words[:2] == ["s3", "cp"] and fnmatch.fnmatchcase(name, options["--include"]):
        headers = {{key[2:]: value for key, value in options.items() if key[2:] in
                   ("content-type", "cache-control", "content-encoding")}}
        (bucket / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, bucket / "files" / name)
        log["headers"][name] = headers
    elif words[:2] == ["s3", "sync"] and name not in log["headers"]:
        log["guessed"].append(name)
(bucket / "log.json").write_text(json.dumps(log))
'''


def upload(site: Path, work: Path) -> Any:
    """Run the upload of docs/hosting.md; gives the stand-in's log, the files lie in work/bucket/files."""
    [block] = re.findall(r"^```bash\n(.*?)^```$", (ROOT / "docs" / "hosting.md").read_text(), re.MULTILINE | re.DOTALL)
    block = block.replace("SITE=build/site", f"SITE={site}")
    bucket, aws = work / "bucket", work / "bin" / "aws"
    bucket.mkdir(parents=True)
    (bucket / "log.json").write_text(json.dumps({"calls": [], "headers": {}, "guessed": []}))
    aws.parent.mkdir()
    aws.write_text(AWS.format(python=sys.executable))
    aws.chmod(aws.stat().st_mode | stat.S_IXUSR)
    environment = {"PATH": f"{aws.parent}{os.pathsep}{os.environ['PATH']}", "FAKE_BUCKET": str(bucket)}
    result = subprocess.run(["bash", "-c", block], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads((bucket / "log.json").read_text())


ENDPOINT = " ${SiteEndpoint}"


def headers_of(policy: Any, endpoint: str = "") -> dict[str, str]:
    """The headers that a response headers policy sends; `endpoint`: what stands for the parameter."""
    config = policy["Properties"]["ResponseHeadersPolicyConfig"]
    security = config["SecurityHeadersConfig"]
    transport = security["StrictTransportSecurity"]
    policy = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    sent = {
        "content-security-policy": policy if isinstance(policy, str) else policy["Fn::Sub"].replace(ENDPOINT, endpoint),
        "x-content-type-options": "nosniff" if security["ContentTypeOptions"]["Override"] else "",
        "x-frame-options": security["FrameOptions"]["FrameOption"],
        "referrer-policy": security["ReferrerPolicy"]["ReferrerPolicy"],
        "strict-transport-security": f"max-age={transport['AccessControlMaxAgeSec']}; includeSubDomains",
    }
    return sent | {item["Header"]: item["Value"] for item in config.get("CustomHeadersConfig", {}).get("Items", [])}


def policy_for(path: str, resources: Any) -> str:
    """The name of the headers policy of the behaviour that a path falls to."""
    config = resources["SiteDistribution"]["Properties"]["DistributionConfig"]
    for behaviour in config["CacheBehaviors"]:
        if re.fullmatch(re.escape(behaviour["PathPattern"]).replace(r"\*", ".*"), path):
            return str(behaviour["ResponseHeadersPolicyId"]["Ref"])
    return str(config["DefaultCacheBehavior"]["ResponseHeadersPolicyId"]["Ref"])


@contextmanager
def serve_as_cloudfront(files: Path, uploaded: dict[str, Any], resources: Any) -> Iterator[str]:
    """Serve uploaded files with their own headers and those of their behaviour."""

    class Front(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0].lstrip("/") or "index.html"
            if path not in uploaded:
                self.send_error(403)
                return
            body = (files / path).read_bytes()
            self.send_response(200)
            for name, value in {**uploaded[path], **headers_of(resources[policy_for(path, resources)])}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Front) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = build_site([make_bundle(folder / "tiny")], folder / "site")
    compress_folder(built, quality=2)
    return built


@pytest.fixture(scope="module")
def uploaded(site: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder of the uploaded files, and the upload's log."""
    work = tmp_path_factory.mktemp("upload")
    log = upload(site, work)
    return work / "bucket" / "files", log


def test_the_upload_has_a_rule_for_every_file_of_a_site(site: Path, uploaded: tuple[Path, Any]) -> None:
    _, log = uploaded
    assert log["guessed"] == []
    assert log["headers"].keys() == {
        str(path.relative_to(site)) for path in site.rglob("*") if path.is_file() and path.suffix not in {".br", ".gz"}
    }
    types = {Path(name).suffix: headers["content-type"] for name, headers in log["headers"].items()}
    assert types[".mjs"] == types[".js"] == "text/javascript; charset=utf-8"
    assert (types[".wasm"], types[".html"]) == ("application/wasm", "text/html; charset=utf-8")
    assert log["calls"][-2][:2] == ["s3", "sync"]
    assert "--delete" in log["calls"][-2]
    assert log["calls"][-1][:2] == ["cloudfront", "create-invalidation"]
    assert ("index.html" in log["calls"][-4], "sw.js" in log["calls"][-3]) == (True, True), "after what they load"


def test_what_has_a_hash_in_its_name_is_kept_for_ever_and_all_else_is_asked_for(uploaded: tuple[Path, Any]) -> None:
    for name, headers in uploaded[1]["headers"].items():
        hashed = re.search(r"^(assets/[a-z]+-[0-9a-f]{16}|bundles/[^/]+/[0-9a-f]{16})/", name)
        expected = "public, max-age=31536000, immutable" if hashed else "max-age=0, s-maxage=86400"
        assert headers["cache-control"] == expected, name


def test_a_file_without_a_rule_is_found(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "index.html").write_text("<!doctype html>")
    (other / "font.woff2").write_text("")
    for name in ("a.wasm", "a.onnx", "a.jsonl"):
        (other / "assets" / name).parent.mkdir(exist_ok=True)
        (other / "assets" / name).write_text("")
        (other / "assets" / f"{name}.br").write_text("")
    assert upload(other, tmp_path / "work")["guessed"] == [
        "assets/a.jsonl",
        "assets/a.onnx",
        "font.woff2",
    ]


def test_what_cloudfront_does_not_compress_is_uploaded_in_brotli(site: Path, uploaded: tuple[Path, Any]) -> None:
    files, log = uploaded
    for name, headers in log["headers"].items():
        small = (site / name).stat().st_size <= 10_000_000
        compressed_there = headers["content-type"].partition(";")[0] in {
            "application/json", "image/svg+xml", "text/css", "text/html",
            "text/javascript", "text/plain",
        }  # fmt: skip
        packed = name.endswith((".png", ".webmanifest"))  # or below what CloudFront compresses
        assert headers.get("content-encoding") == (None if packed or (small and compressed_there) else "br"), name
    [wasm] = [name for name in log["headers"] if name.endswith(".wasm")]
    assert (site / wasm).stat().st_size > 10_000_000
    assert (files / wasm).stat().st_size < 4_000_000


def test_page_and_card_work_with_these_types_and_headers(
    site: Path, uploaded: tuple[Path, Any], browser: Browser
) -> None:
    files, log = uploaded
    with serve_as_cloudfront(files, log["headers"], transform(EnableSite="true")) as origin:
        page = browser.new_page()
        faults = watch(page, origin)
        page.goto(f"{origin}/?bundle=tiny")
        page.locator("#self-check").click()
        expect(page.locator("#self-check-result")).to_have_attribute("data-state", "holds", timeout=30_000)
        assert faults == []
        page.goto(f"{origin}/{folder_in_site(site, 'tiny').relative_to(site)}/card.html")
        expect(page.get_by_role("heading", level=1)).to_have_text("tiny")


@pytest.mark.parametrize(("card", "kept"), [("SiteCardHeaders", True), ("SiteHeaders", False)])
def test_a_model_cards_own_style_is_allowed_on_cards_only(
    card: str, kept: bool, tmp_path: Path, browser: Browser
) -> None:
    files = {"bundles/a/card.html": {"content-type": "text/html"}}
    (tmp_path / "bundles" / "a").mkdir(parents=True)
    (tmp_path / "bundles" / "a" / "card.html").write_text("<style>p { color: rgb(1, 2, 3) }</style><p>text</p>")
    resources = transform(EnableSite="true")
    resources["SiteCardHeaders"] = resources[card]
    with serve_as_cloudfront(tmp_path, files, resources) as origin:
        page = browser.new_page()
        page.goto(f"{origin}/bundles/a/card.html")
        assert (page.locator("p").evaluate("p => getComputedStyle(p).color") == "rgb(1, 2, 3)") is kept


def test_the_policy_is_the_pages_own() -> None:
    page = (ROOT / "web_demo" / "index.html").read_text(encoding="utf-8")
    [own] = re.findall(r'http-equiv="Content-Security-Policy"\s+content="([^"]+)"', page)
    sent = headers_of(transform(EnableSite="true")["SiteHeaders"])
    assert sent["content-security-policy"] == f"{own}; frame-ancestors 'none'"
    endpoint = " https://id.lambda-url.eu-west-1.on.aws"
    sent_with = headers_of(transform(EnableSite="true")["SiteHeaders"], endpoint)["content-security-policy"]
    assert f"connect-src 'self'{endpoint};" in sent_with
    assert sent_with.replace(endpoint, "") == sent["content-security-policy"]
    assert sent["x-content-type-options"] == "nosniff"
    assert sent["x-frame-options"] == "DENY"
    assert sent["referrer-policy"] == "no-referrer"
    assert int(sent["strict-transport-security"].partition("=")[2].partition(";")[0]) >= 31_536_000


def test_only_this_distribution_reads_the_bucket() -> None:
    resources = transform(EnableSite="true")
    bucket = resources["SiteBucket"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    allowed, denied = resources["SiteBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (allowed["Action"], allowed["Principal"]) == ("s3:GetObject", {"Service": "cloudfront.amazonaws.com"})
    assert "${SiteDistribution}" in allowed["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"]
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    config = resources["SiteDistribution"]["Properties"]["DistributionConfig"]
    [origin] = config["Origins"]
    assert origin["OriginAccessControlId"] == {"Ref": "SiteAccessControl"}
    control = resources["SiteAccessControl"]["Properties"]["OriginAccessControlConfig"]
    assert (control["SigningBehavior"], control["SigningProtocol"]) == ("always", "sigv4")
    for behaviour in (config["DefaultCacheBehavior"], *config["CacheBehaviors"]):
        assert behaviour["ViewerProtocolPolicy"] == "redirect-to-https"
        assert as_list(behaviour["AllowedMethods"]) == ["GET", "HEAD"]
        assert behaviour["Compress"] is True
    assert config["DefaultRootObject"] == "index.html"


def test_the_site_is_there_on_request_only() -> None:
    resources = transform()
    mine = {name: entry for name, entry in resources.items() if name.startswith("Site")}
    assert len(mine) == 6
    assert {entry["Condition"] for entry in mine.values()} == {"HasSite"}
    assert source()["Parameters"]["EnableSite"]["Default"] == "false"


def test_a_certificate_is_used_as_it_should_be() -> None:
    certificate = transform()["SiteDistribution"]["Properties"]["DistributionConfig"]["ViewerCertificate"]["Fn::If"]
    assert certificate[0] == "HasSiteDomain"
    assert certificate[1]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert certificate[2] == {"CloudFrontDefaultCertificate": True}
    assert source()["Rules"]["DomainAndCertificate"]["Assertions"]
    parameters = source()["Parameters"]
    for name, good, bad in [
        ("SiteDomain", "model.example.org", "https://model.example.org"),
        ("SiteCertificateArn", "arn:aws:acm:us-east-1:123456789012:certificate/0a-1b", "arn:aws:acm:eu-west-1:1:c/a"),
    ]:
        pattern = parameters[name]["AllowedPattern"]
        assert re.search(pattern, good)
        assert re.search(pattern, "")
        assert not re.search(pattern, bad)
