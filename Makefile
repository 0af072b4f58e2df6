# For those who type make; everything is done by npm.

.PHONY: build package test
build:
	npm run build
package:
	npm run package
test:
	npm test
