SHELL := /bin/bash
.DEFAULT_GOAL := help
SCENARIO ?=
# Another ansible-core than the newest for this Python, in an environment of its own; PYTHON makes it: CORE=2.21 PYTHON=python3.13
CORE ?=
export CORE
# Those of other people's roles have a target of their own.
TESTS ?= $(filter-out %_roles.py %_systems.py,$(wildcard tests/faults/test_*.py))
BENCH ?= apply profile peers planning verify
ENV := . tests/lab/env.sh &&
SITE := ansible-playbook -i extensions/molecule/inventory.yml avi.firewall.site
# Molecule's frames break long lines.
PLAIN := --no-command-borders
SAY = @printf '\n\033[1m== %s\033[0m\n'

.PHONY: help demo demo-verify demo-down test lint sanity sanity-quick package unit browser molecule test-faults test-roles test-systems bench bench-quick bench-traffic bench-confirm mutation docs docs-matrix deps venv images clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: images ## twelve hosts, three firewalls: closed, then opened by site.yml; leaves them up
	$(SAY) 'Starting the lab: nine hosts with a firewall that lets nothing in, a client, a stranger, the services'
	@$(ENV) molecule destroy $(PLAIN) && molecule create $(PLAIN)
	$(SAY) 'Looking from every host at every host'
	@$(ENV) tests/lab/picture.py --remember
	$(SAY) '$(SITE)'
	@$(ENV) $(SITE)
	$(SAY) 'Looking again'
	@$(ENV) tests/lab/picture.py
	@cat tests/lab/look-around.txt

demo-verify: venv ## prove what demo left up with verify.yml; writes .cache/lab/verify
	@$(ENV) ansible-playbook -i extensions/molecule/inventory.yml avi.firewall.verify \
	  -e avi_verify_vantage=clients:strangers -e avi_verify_dir=.cache/lab/verify

demo-down: venv ## remove what demo left up
	@$(ENV) molecule destroy $(PLAIN)

# The first two keep one core busy each, and write nothing that the other reads.
test: venv ## everything
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint sanity-quick
	@$(MAKE) --no-print-directory package unit browser bench-quick molecule
	$(SAY) 'All passed: lint, sanity-quick, package, unit tests, browser, bench-quick, molecule'

# A git that is asked in .cache shall not answer for this repository: antsibull-docs would take the installed collections for files that it does not know.
lint: venv ## yamllint, ruff, mypy, ansible-lint, antsibull-docs, antsibull-changelog
	$(SAY) 'Lint'
	@$(ENV) yamllint --strict . && ruff check . && ruff format --check . && mypy && antsibull-changelog lint && ansible-lint --offline --strict
	@$(ENV) GIT_CEILING_DIRECTORIES=$(CURDIR)/.cache antsibull-docs lint-collection-docs --plugin-docs \
	  --validate-collection-refs=dependent --disallow-unknown-collection-refs .

# It makes an environment for each core itself.
sanity: .cache/venv/.stamp ## ansible-test sanity and units with every ansible-core that has its Python here; minutes for each. One: CORE=2.21
	$(SAY) 'ansible-test'
	@unset CORE; $(ENV) tests/checks/sanity.py $(if $(CORE),--core $(CORE))

sanity-quick: venv ## ansible-test sanity with the oldest ansible-core, without pylint
	$(SAY) 'ansible-test, quickly'
	@$(ENV) tests/checks/sanity.py --quick

package: venv ## build what users install, and have Galaxy's importer and ansible-builder judge it
	$(SAY) 'Package'
	@$(ENV) pip install --quiet --disable-pip-version-check --requirement tests/checks/requirements.txt
	@$(ENV) tests/checks/package.sh

unit: venv ## unit and property tests, without containers; fails below 95 % of the branches of the pure functions
	$(SAY) 'Unit tests'
	@$(ENV) pytest -q --numprocesses 2 --cov --cov-report= tests/unit
	$(SAY) 'What else they run: most of it is for the tests with packets'
	@$(ENV) coverage report --include='plugins/*' --omit='plugins/plugin_utils/*' --fail-under=0
	$(SAY) 'What they leave out of the pure functions'
	@$(ENV) coverage report

browser: venv ## the pages of a verification and of a report, as a real Chromium shows them
	$(SAY) 'Browser'
	@tests/lab/deps.sh browser
	@$(ENV) pytest -q tests/browser

molecule: images ## every scenario, or one: SCENARIO=ufw; with another ansible-core: CORE=2.16
	$(SAY) 'Molecule: $(or $(SCENARIO),all scenarios)'
	@$(ENV) molecule test $(PLAIN) --no-report $(if $(SCENARIO),--scenario-name $(SCENARIO),--all)

test-faults: images ## hosts that others share, saved rules, hosts and locks that are not free: TESTS=tests/faults/test_absent.py for a part
	$(SAY) 'Faults'
	@$(ENV) tests/faults/images.sh && pytest -vv --tb=short --durations=10 --numprocesses 2 --dist loadfile $(TESTS)

bench-traffic: images ## what each change of the rules does to connections that go on meanwhile; takes minutes
	$(SAY) 'Changing the rules under traffic'
	@$(ENV) tests/bench/traffic.py

test-roles: images ## other people's roles: the vendor's beside ours, and what firewall roles make of our filters
	$(SAY) "Other people's roles"
	@$(ENV) tests/faults/images.sh && pytest -vv --tb=short tests/faults/test_vendor_roles.py tests/faults/test_other_roles.py

test-systems: images ## the life of the rules on systems that the lab has none of: Debian 11, Ubuntu 22.04 and 24.04
	$(SAY) 'Other systems'
	@$(ENV) tests/lab/images.sh bullseye jammy noble && tests/faults/images.sh faults && pytest -vv --tb=short tests/faults/test_other_systems.py

bench: images ## what a run costs beside others, many peers, many hosts; an hour. A part: BENCH=planning
	$(SAY) 'Measuring: $(BENCH)'
	@$(ENV) pip install --quiet --disable-pip-version-check --requirement tests/bench/requirements.txt
	@$(ENV) tests/faults/images.sh && for part in $(BENCH); do tests/bench/$$part.py || exit 1; done
	@$(ENV) tests/bench/plots.py && tests/bench/render.py

bench-quick: images ## whether a run has become much dearer; two minutes
	$(SAY) 'Measuring, quickly'
	@$(ENV) tests/faults/images.sh faults && tests/bench/quick.py

mutation: venv ## small changes to the pure functions that no unit test notices; an hour or two. A part: FILES=_plan.py
	$(SAY) 'Mutating: $(or $(FILES),all files)'
	@$(ENV) pip install --quiet --disable-pip-version-check --requirement tests/mutation/requirements.txt
	@$(ENV) tests/mutation/run.py $(FILES)

bench-confirm: images ## what it costs that a change is confirmed over a new connection; takes minutes
	$(SAY) 'Confirming changes over SSH'
	@$(ENV) tests/faults/images.sh && tests/bench/confirm.py

docs: venv ## the docsite, in .cache/docsite/html: the pages of docs, and the reference of roles and plugins
	$(SAY) 'Docsite'
	@$(ENV) pip install --quiet --disable-pip-version-check --requirement docs/docsite/requirements.txt
	@$(ENV) docs/docsite/build.sh

docs-matrix: venv ## docs/port_matrix.md, rendered from the table
	@$(ENV) PYTHONPATH=plugins python -c 'from plugin_utils import _matrix_text; print(_matrix_text.page(), end="")' > docs/port_matrix.md

deps: ## system packages: podman, mmdebstrap, …; asks for sudo only when one is missing
	@tests/lab/deps.sh

VENV := .cache/venv$(CORE:%=-%)
venv: $(VENV)/.stamp ## Python tools, in .cache/venv
$(sort .cache/venv/.stamp $(VENV)/.stamp): tests/requirements.txt tests/unit/requirements.txt tests/lab/venv.sh | deps
	@tests/lab/venv.sh $(@D)

images: venv ## images of the lab's hosts, from Debian packages
	@$(ENV) tests/lab/images.sh

clean: ## remove the lab, its images and every cache
	@$(ENV) if [ -x $(VENV)/bin/molecule ]; then molecule destroy $(PLAIN); fi
	@podman image ls --filter 'reference=localhost/avi-firewall-*' --quiet | sort -u | xargs --no-run-if-empty podman image rm --force
	@rm -rf .cache .ansible .hypothesis
