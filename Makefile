# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Every command sets up what it needs first. On a machine without make, run the scripts themselves.

.DEFAULT_GOAL := help
.PHONY: help demo lab test test-faults test-vm test-matrix lint sanity archive docs bench clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: ## build a three-node container network in the lab, prove it, take it away
	@scripts/demo

lab: ## a shell in the lab (LAB_NODES=10 make lab: ten nodes)
	@scripts/lab

test: ## all tests, in namespaces of their own
	@scripts/test

test-faults: ## kill and refuse at every call, thousands of random topologies (as root; one to three hours)
	@scripts/test-faults

test-vm: ## the playbooks on three virtual machines, with a reboot (as root; 10 to 30 minutes)
	@scripts/test-vm

test-matrix: ## every supported Python, pyroute2, ansible-core and distribution (as root; an hour)
	@scripts/test-matrix

lint: ## check style, types, documentation and changelog
	@scripts/lint

sanity: ## ansible-test sanity of every supported ansible-core that this machine has a Python for (20 minutes)
	@scripts/sanity --record

archive: ## build the archive that users install, check it, and use it where nothing else is installed
	@scripts/archive

docs: ## build the documentation site in docs/build, and look at its pictures in a browser
	@scripts/docs

bench: ## measure the collection beside its floors and its peers (as root; see benchmarks/README.md)
	@scripts/bench

clean: ## remove what these commands made in the checkout
	rm -rf docs/build .ansible .cache .collections .mypy_cache .pytest_cache .ruff_cache .venv containerland-net-*.tar.gz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
