# Lint `unknown-lint` warns.
#@ test check
(def)
# deny(never-raed)
#~ 8: warning[L0207]: there is no lint `never-raed`
#~     help: did you mean `never-read`?
(when true (:= Cwnd 1))
