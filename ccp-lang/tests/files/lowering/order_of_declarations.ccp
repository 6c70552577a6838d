# Reports first, those of (Report …) before the others; DEFs by full name.
(def
    (zeta 1) (Report.first 2) (volatile alpha 3)
    (Report (volatile x 4) (a true))
    (Report.last +infinity) (Beta 18446744073709551615)
)
(when true
    (:= Report.first zeta) (:= Report.x alpha) (:= Report.a true) (:= Report.last Beta)
    (:= zeta alpha) (:= alpha Beta) (:= Beta zeta) (report)
)
#@ test asm
#|    0  DEF     control.2, #inf
#|    1  DEF     report.1, #1
#|    2  DEF     report.2, #2
#|    3  DEF     report.3, #inf
#|    4  DEF     vreport.0, #4
#|    5  DEF     vcontrol.1, #3
#|    6  DEF     control.0, #1
#| event 0: flag 7..8, body 8..16
#|    7  BIND    eventFlag, #1
#|    8  BIND    report.2, control.0
#|    9  BIND    vreport.0, vcontrol.1
#|   10  BIND    report.1, #1
#|   11  BIND    report.3, control.2
#|   12  BIND    control.0, vcontrol.1
#|   13  BIND    vcontrol.1, control.2
#|   14  BIND    control.2, control.0
#|   15  BIND    shouldReport, #1
