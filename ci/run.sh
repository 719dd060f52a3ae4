#!/usr/bin/env bash
# A Rapt run as a job of a CI system: what GitHub's action (action.yml) and GitLab's template (ci/gitlab.yml) both do.
# Variables tell what to do. They may hold anything, since none becomes part of a command; an empty one counts as unset:
#
#   RAPT_CI_CONFIG     configuration file; without one, the default run
#   RAPT_CI_SET        settings, one a line: tuning.epochs=3
#   RAPT_CI_GATES      conditions, one a line: accuracy >= baseline - 0.01
#   RAPT_CI_BASELINE   finished run that gates compare with
#   RAPT_CI_RUN_ID     name of the run; default: made of repository, commit and settings, so that a job that is repeated
#                      attaches to its run
#   RAPT_CI_FRESH      whether to tune anew what was tuned before: true, false, or auto (default), which means: for jobs
#                      that a schedule or somebody's hand starts, and not for a new commit
#   RAPT_CI_TENANT     whose texts; default: as configured
#   RAPT_CI_TIMEOUT    stop waiting after this time, such as 2h
#   RAPT_CI_ON_CANCEL  cancel (default) or leave the run when the job is cancelled
#   RAPT_CI_ARTIFACTS  folder for result.json, junit.xml, summary.md, report.html and outputs.env; default: rapt
#
# The exit code is that of `rapt run`: 0 done, 1 run failed, 2 bad input, 3 a gate missed, 4 a service out of reach or
# timed out, 130 interrupted.
set -euo pipefail
# Bash would go on after a SIGINT that came while it waited for a command.
trap 'exit 130' INT

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
artifacts=${RAPT_CI_ARTIFACTS:-rapt}
# A link that came with the checkout could lead anywhere.
if [[ -L $artifacts ]]; then rm -- "$artifacts"; fi
mkdir -p -- "$artifacts"
# Files of an earlier job must not be taken for those of this one.
rm -f -- "$artifacts"/{result.json,junit.xml,summary.md,report.html,outputs.env}
: > "$artifacts/outputs.env"

args=(--wait --json --resume --on-interrupt "${RAPT_CI_ON_CANCEL:-cancel}")
args+=(--junit "$artifacts/junit.xml" --summary "$artifacts/summary.md")
args+=(--report "$artifacts/report.html" --outputs "$artifacts/outputs.env")
option() { if [[ -n $2 ]]; then args+=("$1" "$2"); fi; }
each_line() {
  local line
  while read -r line; do option "$1" "$line"; done <<< "$2"
}
option --file "${RAPT_CI_CONFIG:-}"
option --timeout "${RAPT_CI_TIMEOUT:-}"
option --baseline "${RAPT_CI_BASELINE:-}"
# As JSON: the name may be a number.
option --set "${RAPT_CI_TENANT:+tenant=\"$RAPT_CI_TENANT\"}"
each_line --set "${RAPT_CI_SET:-}"
each_line --gate "${RAPT_CI_GATES:-}"

repository=${GITHUB_REPOSITORY:-${CI_PROJECT_PATH:-}}
commit=${GITHUB_SHA:-${CI_COMMIT_SHA:-}}
id=${RAPT_CI_RUN_ID:-}
if [[ -z $id && -n $repository && -n $commit ]]; then
  # Two jobs of one commit with different settings are two runs.
  settings=$(
    {
      cat "${RAPT_CI_CONFIG:-/dev/null}" 2> /dev/null || true
      printf '%s\0' "${RAPT_CI_SET:-}" "${RAPT_CI_GATES:-}" "${RAPT_CI_BASELINE:-}" "${RAPT_CI_TENANT:-}"
    } | sha256sum
  )
  id="${repository//\//-}-${commit:0:12}-${settings:0:8}"
fi

fresh=${RAPT_CI_FRESH:-auto}
if [[ $fresh == auto ]]; then
  fresh=false
  # A name that somebody chose says by itself which run is meant.
  if [[ -z ${RAPT_CI_RUN_ID:-} ]]; then
    case ${GITHUB_EVENT_NAME:-${CI_PIPELINE_SOURCE:-}} in
      schedule | workflow_dispatch | repository_dispatch | web | api | trigger | chat) fresh=true ;;
    esac
  fi
fi
# It stays the same when the job is repeated, so that the job attaches to its run.
occasion=${GITHUB_RUN_ID:-${CI_PIPELINE_ID:-}}
case $fresh in
  true) if [[ -n $id && -n $occasion ]]; then id+="-$occasion"; fi ;;
  false) ;;
  *) echo "RAPT_CI_FRESH: must be true, false or auto, not \"$fresh\"" >&2; exit 2 ;;
esac
option --id "$id"

if [[ -n ${RAPT_TEMPORAL_ADDRESS:-}${TEMPORAL_ADDRESS:-}${TEMPORAL_PROFILE:-}${TEMPORAL_CONFIG_FILE:-} ]]; then
  node "$home/infra/setup/bootstrap.mjs" --packages
  # The job may run on the client's machine, but whoever may change its configuration is not the owner of the tables
  # there.
  args+=(--by-policy)
else
  node "$home/infra/setup/bootstrap.mjs"
  # For the tenant that the configuration names.
  args+=(--up)
fi

# In place of this shell, so that the signals of a cancelled job reach the command itself.
exec node "$home/bin/rapt.mjs" run "${args[@]}" > "$artifacts/result.json"
