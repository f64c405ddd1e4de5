# Every target is a thin call of a script; without make, run `python3 hedong/up <target>`.
PYTHON ?= python3
ARGS ?=

.PHONY: up test check lock bench chaos
up test check lock bench chaos:
	@exec $(PYTHON) hedong/up $@ $(ARGS)
