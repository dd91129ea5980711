# SPDX-License-Identifier: MIT
#
# hellod(8) in fish.

complete -c hellod -f

complete -c hellod -s g -l greeting -x -d 'Greet with this text'
complete -c hellod -s f -l greeting-file -r -F -d 'Greet with the text in this file'
complete -c hellod -s i -l idle-timeout -x -d 'With listening sockets: exit after this many seconds without clients'
complete -c hellod -s l -l log-greetings -x -a 'yes no' -d 'Log a line for each greeting'
complete -c hellod -s m -l max-connections -x -d 'With listening sockets: maximum number of clients at a time'
complete -c hellod -s v -l verbose -d 'Also log which clients were not greeted'
complete -c hellod -s h -l help -d 'Print help and exit'
complete -c hellod -s V -l version -d 'Print the version and exit'
