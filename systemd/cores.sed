# SPDX-License-Identifier: MIT
# Makes the templates hello-listen@.socket and hello-listen@.service from hello-listen.socket and
# hello-listen.service, so that a directive of these is in the templates too.
2i # An example for /etc/systemd/system: one process per core. hello.socket(8), "All cores", says\
# what to consider first.
2,/^\[Unit\]/{/^#/d}
s/^\(Description=Greeting\( socket\)\?\).*/\1, core %i/
/^Documentation=man:hello\.socket/a AssertPathIsDirectory=/sys/devices/system/cpu/cpu%i
s/^\(Requires\|PartOf\)=.*/\1=hello-listen@%i.socket/
s/^\(Conflicts\|After\)=.*/& hello-listen.socket/
/^Accept=/a ReusePort=yes
/^NonBlocking=/a CPUAffinity=%i
