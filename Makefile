# Every target is a thin call of a script; without make, run `python3 hedong/up <target>`.
PYTHON ?= python3
ARGS ?=

.PHONY: up test check lock bench chaos contract
up test check lock bench chaos contract:
	@exec $(PYTHON) hedong/up $@ $(ARGS)
