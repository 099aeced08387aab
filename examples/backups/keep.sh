# Sourced by the others. Keeps the newest files of a kind in a directory and removes the rest; names sort by their date.
# keep DIRECTORY SUFFIX COUNT
keep() {
  find "$1" -maxdepth 1 -type f -name "workflows-*$2" | sort -r | tail -n "+$(($3 + 1))" | while IFS= read -r old; do
    rm -f -- "$old"
  done
}

# A name that no other run of this second has: made at once or not at all.
# dated DIRECTORY SUFFIX
dated() {
  mkdir -p "$1"
  printf '%s/workflows-%s%s' "$1" "$(date -u +%Y%m%dT%H%M%SZ)" "$2"
}
