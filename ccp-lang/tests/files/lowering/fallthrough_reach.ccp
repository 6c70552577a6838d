(def (Report (r 0)))
(when (> Cwnd 1) (:= Report.r 1) (fallthrough))
#~ 34: warning[L0205]: this holds for the rest of the invocation, past events that do not fall through
#~     7:2: this event looks as if it stopped the evaluation
#~     8:2: but this one is evaluated too
#~     help: nothing is to be done if both may run; else let their conditions exclude each other
(when true (:= Report.r 2))
(when true (:= Report.r 3))
#@ test asm
#|    0  DEF     report.0, #0
#| event 0: flag 1..2, body 2..4
#|    1  GT      eventFlag, Cwnd, #1
#|    2  BIND    report.0, #1
#|    3  BIND    shouldContinue, #1
#| event 1: flag 4..5, body 5..6
#|    4  BIND    eventFlag, #1
#|    5  BIND    report.0, #2
#| event 2: flag 6..7, body 7..8
#|    6  BIND    eventFlag, #1
#|    7  BIND    report.0, #3
