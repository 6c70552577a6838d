#@ allow all
(def (x 1) (x 2))
#~ 13: warning[L0101]: `x` is declared twice
#~     2:7: the other declaration
#~     help: remove or rename one of them
(when true
    (:= Report.lost x) (:= x nothing) (:= x (+ nothing 1))
#~ 9: warning[L0103]: `Report.lost` is not declared, so that no report carries it
#~     help: declare it: `(Report (lost 0))`
#~ 30: warning[L0102]: nothing binds `nothing`
#~     help: declare it in `(def …)`, or bind it: `(:= nothing …)`
#~ 48: warning[L0102]: nothing binds `nothing`
#~     help: declare it in `(def …)`, or bind it: `(:= nothing …)`
    (:= x (if 5 1)) (:= x (ewma true 1)) (:= Cwnd Report.lost)
#~ 15: warning[L0105]: the condition of `if` is a Num, not a Bool
#~     help: compare it: `(> … 0)`
#~ 33: warning[L0105]: `ewma` takes numbers, but this is a Bool
#~     help: a Bool counts as 0 or 1 here
    (report)
#~ 5: warning[L0104]: the report would be empty, which closes the flow
#~     help: declare what should be reported: `(def (Report (volatile acked 0)))`
)
#@ test asm
#|    0  DEF     control.1, #2
#|    1  DEF     control.0, #1
#| event 0: flag 2..3, body 3..11
#|    2  BIND    eventFlag, #1
#|    3  BIND    local.0, control.1
#|    4  BIND    control.1, local.1
#|    5  ADD     tmp.0, local.1, #1
#|    6  BIND    control.1, tmp.0
#|    7  IF      control.1, #5, #1
#|    8  EWMA    control.1, #1, #1
#|    9  BIND    Cwnd, local.0
#|   10  BIND    shouldReport, #1
