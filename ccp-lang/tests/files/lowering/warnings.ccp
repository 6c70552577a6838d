(def (Report (never 0)) (unused 1) (written 2) (read 3) (volatile vread 4) (flag false))
#~ 15: warning[L0203]: `Report.never` is reported but never updated
#~     help: bind it in an event: `(:= Report.never …)`, or remove it
#~ 26: warning[L0201]: `unused` is never used
#~     help: remove it, or declare it in `(Report …)` if the agent should see it
#~ 37: warning[L0201]: `written` is bound but never read
#~     help: remove it, or declare it in `(Report …)` if the agent should see it
#~ 49: note[L0202]: `read` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
#~ 67: warning[L0202]: `vread` is never written: it keeps its initial value unless the agent sets it
#~     help: what the agent sets is lost with the next report; remove `volatile`
(when (> read vread) (:= written flag) (:= typo 1))
#~ 34: warning[L0206]: a Bool is bound to `written`, which is a Num
#~     help: `written` becomes 0 or 1; declare it with `true` or `false` if it is meant to be a Bool
#~ 44: warning[L0201]: `typo` is bound but never read
#~     help: remove the bind, or declare `typo` in `(def …)`
(when true (:= flag 1) (:= Cwnd true))
#~ 21: warning[L0206]: a Num is bound to `flag`, which is a Bool
#~     help: every number but 0 counts as true; compare it: `(:= flag (> … 0))`
#~ 33: warning[L0206]: a Bool is bound to `Cwnd`, which is a Num
#~     help: `Cwnd` becomes 0 or 1; declare it with `true` or `false` if it is meant to be a Bool
(when (> Micros 5) (:= flag true))
#~ 2: warning[L0204]: this event can never run
#~     17:2: this event always runs and stops
#~     help: add `(fallthrough)` to the earlier event, or put this one before it
(when (> 2 3) (:= flag true))
#~ 7: warning[L0204]: this condition is never true
#~     help: remove the event, or compare something that changes
#@ test asm
#|    0  DEF     report.0, #0
#|    1  DEF     control.4, #0
#|    2  DEF     control.2, #3
#|    3  DEF     control.0, #1
#|    4  DEF     vcontrol.3, #4
#|    5  DEF     control.1, #2
#| event 0: flag 6..7, body 7..9
#|    6  GT      eventFlag, control.2, vcontrol.3
#|    7  BIND    control.1, control.4
#|    8  BIND    local.0, #1
#| event 1: flag 9..10, body 10..12
#|    9  BIND    eventFlag, #1
#|   10  BIND    control.4, #1
#|   11  BIND    Cwnd, #1
#| event 2: flag 12..13, body 13..14
#|   12  GT      eventFlag, Micros, #5
#|   13  BIND    control.4, #1
#| event 3: flag 14..15, body 15..16
#|   14  GT      eventFlag, #2, #3
#|   15  BIND    control.4, #1
