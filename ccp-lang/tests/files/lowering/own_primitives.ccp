(def (Report (limited false) (state 0) (volatile idle 0)))
(when Flow.app_limited (:= Report.limited Flow.undone) (fallthrough))
(when true (:= Report.state Flow.recovery) (:= Report.idle Flow.idle_us) (report))
#@ test asm
#|    0  DEF     vreport.2, #0
#|    1  DEF     report.0, #0
#|    2  DEF     report.1, #0
#| event 0: flag 3..4, body 4..6
#|    3  BIND    eventFlag, Flow.app_limited
#|    4  BIND    report.0, Flow.undone
#|    5  BIND    shouldContinue, #1
#| event 1: flag 6..7, body 7..10
#|    6  BIND    eventFlag, #1
#|    7  BIND    report.1, Flow.recovery
#|    8  BIND    vreport.2, Flow.idle_us
#|    9  BIND    shouldReport, #1
