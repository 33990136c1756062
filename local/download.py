"""The SDK's own download of a Temporal server, as a program: `python -m local.download FOLDER V`.

It stops the server that the SDK starts after the download, and leaves the file.
"""

import asyncio
import gc
import sys

from temporalio.testing import WorkflowEnvironment


async def _download(folder: str, version: str) -> None:
    environment = await WorkflowEnvironment.start_local(
        download_dest_dir=folder, dev_server_download_version=version
    )
    await environment.shutdown()


if __name__ == "__main__":
    asyncio.run(_download(sys.argv[1], sys.argv[2]))
    gc.collect()  # the SDK's threads still let go of Python objects; without this the exit may crash
