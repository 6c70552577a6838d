# A bind as an operand is its variable, read when the operator around it runs.
(def (Report (r 0)) (a 5))
(when true
    (:= Report.r (+ a (:= a 5)))
    (:= Report.r (:= a (:= b 6)))
    (:= Report.r (+ (:= a 1) (:= a 2)))
    (:= c (report))
    (:= d (&& c (fallthrough)))
)
(when d (:= Report.r b))
#@ test asm
#|    0  DEF     report.0, #0
#|    1  DEF     control.0, #5
#| event 0: flag 2..3, body 3..18
#|    2  BIND    eventFlag, #1
#|    3  BIND    control.0, #5
#|    4  ADD     tmp.0, control.0, control.0
#|    5  BIND    report.0, tmp.0
#|    6  BIND    local.0, #6
#|    7  BIND    control.0, local.0
#|    8  BIND    report.0, control.0
#|    9  BIND    control.0, #1
#|   10  BIND    control.0, #2
#|   11  ADD     tmp.0, control.0, control.0
#|   12  BIND    report.0, tmp.0
#|   13  BIND    shouldReport, #1
#|   14  BIND    local.1, shouldReport
#|   15  BIND    shouldContinue, #1
#|   16  MUL     tmp.0, local.1, shouldContinue
#|   17  BIND    local.2, tmp.0
#| event 1: flag 18..19, body 19..20
#|   18  BIND    eventFlag, local.2
#|   19  BIND    report.0, local.0
