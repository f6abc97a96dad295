# Changes which keys may log in: puts a key beside another one in authorized_keys, with the same options, or takes one away.
# It is read from standard input behind three lines: $verb (add or remove), $old and $new, each a type and a key
# in base64, as OpenSSH writes them; $new has a comment behind it.
#
# Answers "@done", "@there" (nothing had to be done), or "@no WHY".

umask 077
say() { printf '\n@%s\n' "$*"; }
file=$HOME/.ssh/authorized_keys
if [ -L "$file" ]; then file=$(readlink -f "$file"); fi
[ -f "$file" ] || { say no "there is no $file"; exit 0; }
rest=${new#* }
key="${new%% *} ${rest%% *}"
has_old= has_new=
while IFS= read -r entry || [ -n "$entry" ]; do
  case $entry in
    '#'*) ;;
    *"$old"*) has_old=yes ;;
    *"$key"*) has_new=yes ;;
  esac
done <"$file"
case $verb in
  add)
    if [ -n "$has_new" ]; then say there; exit 0; fi
    [ -n "$has_old" ] || { say no "$file does not name the key that is used"; exit 0; }
    ;;
  remove)
    if [ -z "$has_old" ]; then say there; exit 0; fi
    # Whoever takes away the last key locks everybody out.
    [ -n "$has_new" ] || { say no "$file does not name the new key"; exit 0; }
    ;;
  *) exit 64 ;;
esac
new_file=$file.aweigh-$$
trap 'rm -f "$new_file"' EXIT
# The copy has owner and mode of the file. It takes its place when it is whole.
cp -p "$file" "$new_file" || { say no "$file cannot be copied"; exit 0; }
(while IFS= read -r entry || [ -n "$entry" ]; do
  case $entry in
    '#'*) printf '%s\n' "$entry" ;;
    *"$old"*) if [ "$verb" = add ]; then printf '%s\n%s%s\n' "$entry" "${entry%%"$old"*}" "$new"; fi ;;
    *) printf '%s\n' "$entry" ;;
  esac || exit 1
done) <"$file" >"$new_file" || { say no "$new_file cannot be written"; exit 0; }
mv "$new_file" "$file" && say done || say no "$file cannot be replaced"
