"""The files for operations name what exists: options, metrics, paths. Their programs check them.

Tests that need hadolint, nginx, promtool or systemd skip without it.
"""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer.main
import yaml

from deploy.rehearse import instructions, is_sent
from sentiment_lstm.cli import app
from sentiment_lstm.serving.metrics import Metrics
from sentiment_lstm.serving.options import Options

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
NGINX = (DEPLOY / "nginx.conf").read_text()
UNIT = (DEPLOY / "sentiment-lstm.service").read_text()
SERVE = typer.main.get_command(app).commands["serve"]
OPTIONS = {option.envvar: option for option in SERVE.params if option.envvar}
SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds(text):
    return int(text[:-1]) * SECONDS[text[-1]]


def in_nginx(name, block=NGINX):
    """The first value of a directive."""
    return re.search(rf"^\s*{name} ([^;]+);", block, re.M)[1]


def run(*command, **options):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_the_image_runs_the_service_without_root():
    last = dict(list(instructions(DOCKERFILE.rpartition("\nFROM ")[2])))
    assert int(last["USER"].partition(":")[0]) >= 1000
    assert json.loads(last["ENTRYPOINT"]) == ["sentiment-lstm"]
    assert json.loads(last["CMD"]) == ["serve"]
    assert last["STOPSIGNAL"] == "SIGTERM"
    check = json.loads(last["HEALTHCHECK"].partition("CMD")[2])
    assert check[:2] == ["python", "-c"]
    assert "/health" in check[2]
    compile(check[2], "health check", "exec")


def test_the_image_has_what_the_package_needs_and_no_more():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    install = next(rest for word, rest in instructions(DOCKERFILE) if "pip install" in rest)
    assert re.findall(r"\.\[([\w,]+)\]", install) == ["serve"]
    assert "-c constraints.txt" in install
    assert not any("torch" in each for each in project["optional-dependencies"]["serve"])
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    ignored = [line for line in lines if line and not line.startswith("#")]
    copied = [rest.split()[:-1] for word, rest in instructions(DOCKERFILE)
              if word == "COPY" and not rest.startswith("--from")]  # fmt: skip
    names = {name for each in copied for name in each}
    assert names >= {"src", "pyproject.toml", project["readme"], *project["license-files"]}
    assert {path.name for path in ROOT.iterdir() if is_sent(path.name, ignored)} == names


@pytest.mark.parametrize(
    "text",
    [DOCKERFILE, (DEPLOY / "compose.yaml").read_text(), UNIT],
    ids=["image", "compose", "unit"],
)
def test_variables_are_options_of_the_service(text):
    named = set(re.findall(r"\bSENTIMENT_LSTM_[A-Z_]+", text))
    assert named
    assert named <= OPTIONS.keys()


def test_compose_limits_each_service():
    for service in COMPOSE["services"].values():
        limits = service["deploy"]["resources"]["limits"]
        assert limits.keys() == {"cpus", "memory", "pids"}
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["restart"] == "unless-stopped"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_compose_names_what_exists():
    for service in COMPOSE["services"].values():
        mounted = [volume.split(":")[0] for volume in service.get("volumes", ())]
        for name in mounted:
            assert (DEPLOY / name).is_file() if name.startswith(".") else name in COMPOSE["volumes"]
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
        assert service.get("depends_on", {}).keys() <= COMPOSE["services"].keys()
    service = COMPOSE["services"]["service"]
    assert (DEPLOY / service["build"] / "Dockerfile").is_file()
    assert (
        service["environment"]["SENTIMENT_LSTM_THREADS"]
        == (service["deploy"]["resources"]["limits"]["cpus"])
    )
    assert "ports" not in service
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_the_service_gets_time_to_end():
    options = Options()
    longest = options.shutdown_delay + options.shutdown_timeout
    assert seconds(COMPOSE["services"]["service"]["stop_grace_period"]) > longest
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.M)[1]) > longest


def test_nginx_passes_on_what_the_service_takes():
    options = Options()
    image = dict(instructions(DOCKERFILE))
    upstream = re.search(r"upstream \w+ \{(.*?)\}", NGINX, re.S)[1]
    assert in_nginx("server", upstream) == f"service:{image['EXPOSE']}"
    assert "service" in COMPOSE["services"]
    assert seconds(in_nginx("keepalive_timeout", upstream)) < options.keep_alive
    assert seconds(in_nginx("proxy_read_timeout")) > options.deadline
    assert in_nginx("client_max_body_size") == f"{options.payload_limit // 1_000_000}m"
    inside, outside = COMPOSE["services"]["nginx"]["ports"][0].split(":")[1:]
    assert in_nginx("listen") == outside == inside
    for variable in ("$request_uri", "$args", "$http_authorization", "$request_body"):
        assert variable not in NGINX


def test_prometheus_reads_the_service():
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    job = config["scrape_configs"][0]
    assert (
        in_nginx("server", re.search(r"upstream .*?\}", NGINX, re.S)[0])
        in (job["static_configs"][0]["targets"])
    )
    secret = Path(job["authorization"]["credentials_file"])
    assert secret.parts[:3] == ("/", "run", "secrets")
    assert secret.name in COMPOSE["services"]["prometheus"]["secrets"]
    assert (
        str(secret) == COMPOSE["services"]["service"]["environment"]["SENTIMENT_LSTM_API_KEY_FILE"]
    )
    assert all((DEPLOY / name).is_file() for name in config["rule_files"])


def test_alerts_name_metrics_and_labels_that_exist():
    collectors = Metrics()._registry._names_to_collectors
    labels = {name: {*each._labelnames, "le"} for name, each in collectors.items()}
    groups = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        assert rule["annotations"].keys() == {"summary", "action"}
        names = re.findall(r"\bsentiment_lstm_\w+", rule["expr"])
        assert names or rule["expr"].startswith("up{")
        assert set(names) <= labels.keys()
        for name, chosen in re.findall(r"\b(sentiment_lstm_\w+)\{([^}]*)\}", rule["expr"]):
            assert set(re.findall(r"(\w+)=", chosen)) <= labels[name]
    job = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"][0]["job_name"]
    assert f'up{{job="{job}"}}' in rules[0]["expr"]


def test_hadolint_finds_nothing():
    run("hadolint", "Dockerfile", cwd=ROOT)


def test_nginx_reads_its_file(tmp_path):
    """A program that does not run in the network of the containers knows no host `service`."""
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.replace("server service:", "server 127.0.0.1:"))
    run("nginx", "-t", "-c", str(config))


def test_promtool_reads_the_files_and_the_alerts_fire():
    run("promtool", "check", "config", "--syntax-only", "prometheus.yml", cwd=DEPLOY)
    run("promtool", "check", "rules", "alerts.yml", cwd=DEPLOY)
    run("promtool", "test", "rules", "deploy_alerts.yml", cwd=ROOT / "tests")


def test_systemd_reads_the_unit_and_finds_it_safe(tmp_path):
    unit = tmp_path / "sentiment-lstm.service"
    unit.write_text(UNIT.replace("/opt/sentiment-lstm/bin/sentiment-lstm", "/bin/true"))
    assert run("systemd-analyze", "verify", str(unit)) == ""
    report = run("systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit))
    assert float(re.search(r"exposure level[^:]*: ([\d.]+)", report)[1]) <= 1.5
