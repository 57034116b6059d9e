case $- in *i*) ;; *) return ;; esac
HISTCONTROL=ignoreboth
shopt -s checkwinsize
PS1='\[\e[1;34m\]\w\[\e[0m\] \[\e[36m\]\$\[\e[0m\] '
alias ls='ls --color=auto' ll='ls -l' grep='grep --color=auto'
