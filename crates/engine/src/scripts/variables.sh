# Exports the variables in the file $1, a line NAME=value each; a line that begins with + goes on with the value before it.
# Names of ours begin with aweigh_, as none of theirs does.
take_in() {
  aweigh_end=$(printf '\nx') aweigh_whole=
  aweigh_end=${aweigh_end%x}
  while IFS= read -r aweigh_line; do
    case $aweigh_line in
      +*) aweigh_whole=$aweigh_whole$aweigh_end${aweigh_line#+} ;;
      *)
        if [ -n "$aweigh_whole" ]; then export "$aweigh_whole"; fi
        aweigh_whole=$aweigh_line
        ;;
    esac
  done <"$1"
  if [ -n "$aweigh_whole" ]; then export "$aweigh_whole"; fi
  unset aweigh_end aweigh_whole aweigh_line
}
