# Alone it resets Micros and all that is volatile; with (report) only Micros.
(def (Report (volatile a 4) (b 0)) (volatile c +infinity) (volatile d true))
(when (> Micros 1s) (report) (reset))
(when true (:= Report.a c) (:= Report.b 1) (:= c 1) (:= d (! d)) (reset))
#@ test asm
#|    0  DEF     vreport.0, #4
#|    1  DEF     report.1, #0
#|    2  DEF     vcontrol.0, #inf
#|    3  DEF     vcontrol.1, #1
#| event 0: flag 4..5, body 5..7
#|    4  GT      eventFlag, Micros, #1000000
#|    5  BIND    shouldReport, #1
#|    6  BIND    Micros, #0
#| event 1: flag 7..8, body 8..17
#|    7  BIND    eventFlag, #1
#|    8  BIND    vreport.0, vcontrol.0
#|    9  BIND    report.1, #1
#|   10  BIND    vcontrol.0, #1
#|   11  EQUIV   tmp.0, vcontrol.1, #0
#|   12  BIND    vcontrol.1, tmp.0
#|   13  BIND    Micros, #0
#|   14  BIND    vreport.0, #4
#|   15  BIND    vcontrol.0, #inf
#|   16  BIND    vcontrol.1, #1
