"""A site of every transport."""

from __future__ import annotations

import pytest

from peers import sites
from prophet_hub.peers import place_s3

SITES = {
    "memory": sites.MemorySite,
    "folder": sites.FolderSite,
    "http": sites.HttpSite,
    "serve": sites.ServeSite,
    "sftp": sites.SftpSite,
}


@pytest.fixture(scope="session")
def s3_server():
    server = sites.S3Server()
    yield server
    server.close()


@pytest.fixture
def site_of(tmp_path, request, monkeypatch):
    """Makes a site of a transport by name."""
    monkeypatch.setattr(place_s3, "_ATTEMPTS", 1)  # nobody waits between its own repeats
    made = []

    def make(transport):
        folder = tmp_path / f"site{len(made)}"
        folder.mkdir()
        if transport == "s3":
            made.append(sites.S3Site(folder, request.getfixturevalue("s3_server")))
        else:
            made.append(SITES[transport](folder))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture(params=[*SITES, "s3"])
def site(request, site_of):
    return site_of(request.param)


@pytest.fixture(params=["memory", "folder", "sftp", "s3"])
def writable(request, site_of):
    return site_of(request.param)
