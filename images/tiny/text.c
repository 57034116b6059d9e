/* The text channel: a virtio port that takes lines of base64, each the UTF-8 of what is to be typed. Each is
   answered with an empty line when it has been. */
#define _GNU_SOURCE
#include "guest.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define PORT_NAME "org.tsgateway.text"
#define LINE_LIMIT 65536

static int port = -1;
static uint8_t pending[LINE_LIMIT];
static size_t pending_length;
static bool overlong;

/* A port nobody holds open at the host polls as hung up for ever, so its signal is waited for instead. */
int text_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    text_rescan();
    return signals;
}

static bool has_our_name(const char *device)
{
    char path[128], name[64] = "";
    snprintf(path, sizeof path, "/sys/class/virtio-ports/%.32s/name", device);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, name, sizeof name - 1);
    close(fd);
    return got > 0 && strncmp(name, PORT_NAME "\n", sizeof PORT_NAME) == 0;
}

void text_rescan(void)
{
    DIR *folder = port < 0 ? opendir("/sys/class/virtio-ports") : NULL;
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.' || !has_our_name(entry->d_name))
            continue;
        char path[64];
        snprintf(path, sizeof path, "/dev/%.32s", entry->d_name);
        port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (port < 0)
            break;
        fcntl(port, F_SETOWN, getpid());
        fcntl(port, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC);
        text_read(); /* what was sent before we listened raises no signal */
        break;
    }
    if (folder)
        closedir(folder);
}

static int base64_value(uint8_t letter)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = letter ? strchr(alphabet, letter) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

static void decode_line(void)
{
    static uint8_t text[LINE_LIMIT];
    size_t length = 0;
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < pending_length; i++) {
        int value = base64_value(pending[i]);
        if (value < 0)
            continue; /* padding, or a carriage return */
        held = held << 6 | (unsigned)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            text[length++] = held >> bits;
        }
    }
    if (length)
        on_text(text, length);
}

void text_read(void)
{
    uint8_t chunk[4096];
    ssize_t got;
    while (port >= 0 && (got = read(port, chunk, sizeof chunk)) > 0)
        for (ssize_t i = 0; i < got; i++) {
            if (chunk[i] == '\n') {
                if (!overlong)
                    decode_line();
                pending_length = 0;
                overlong = false;
                if (write(port, "\n", 1) < 0)
                    continue; /* nobody is there to hear it */
            } else if (pending_length < LINE_LIMIT) {
                pending[pending_length++] = chunk[i];
            } else {
                overlong = true; /* dropped whole: half a line would type something else */
            }
        }
}
