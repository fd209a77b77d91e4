# Sums up a coverage profile by part of the core: ring, shard, replay, internal. Then it names each statement that no test reaches, with the reason that
# internal/tools/uncovered gives for it: a line of it is a file, a tab, the statement's first line of source, a tab, the reason.
# The exit status is 1 when a part has less than 95 %.

function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }

# lineOf returns a line of a source file.
function lineOf(file, n,   i, text) {
	for (i = 0; i < n && (getline text < file) > 0; i++);
	close(file)
	return trim(text)
}

BEGIN {
	FS = "\t"
	while ((getline < "internal/tools/uncovered") > 0) reason[$1, $2] = $3
	FS = " "
}

FNR > 1 {
	if (!($1 in statements)) { order[++blocks] = $1; statements[$1] = $2 }
	hits[$1] += $3
}

END {
	for (i = 1; i <= blocks; i++) {
		block = order[i]
		sub(/^github.com\/reprise-go\/reprise\//, "", block)
		split(block, at, /[:.,]/) # file, "go", line, …
		part = block
		sub(/\/.*/, "", part)
		all[part] += statements[order[i]]
		if (hits[order[i]] > 0) reached[part] += statements[order[i]]
		else if (statements[order[i]] > 0) missed[++misses] = at[1] ".go:" at[3]
	}
	n = split("ring shard replay internal", parts, " ")
	for (i = 1; i <= n; i++) {
		share = 100 * reached[parts[i]] / all[parts[i]]
		printf "%-9s %5.1f %% of %d statements\n", parts[i], share, all[parts[i]]
		failed = failed || share < 95
	}
	print "\nNot reached:"
	for (i = 1; i <= misses; i++) {
		split(missed[i], at, ":")
		text = lineOf(at[1], at[2])
		why = reason[at[1], text]
		printf "%s  %s  (%s)\n", missed[i], text, why == "" ? "no reason is known" : why
	}
	exit failed
}
