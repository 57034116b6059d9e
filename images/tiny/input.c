/* Keyboards and pointers through the kernel's event devices (linux/input.h). */
#include "guest.h"

#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct {
    int fd, number;
    int min_x, max_x, min_y, max_y;     /* an absolute pointer's range */
} devices[INPUT_LIMIT];
static int count;

static struct {
    int x, y;
    unsigned buttons;
    bool changed;
    int wheel, hwheel;
} pointer;
static bool shift, caps;

/* US layout, by key code; what is not here types nothing. */
static const char plain[128] = "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[128] = "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static uint32_t character_of(int code)
{
    if (code < 0 || code >= 128)
        return 0;
    char letter = plain[code];
    bool upper = letter >= 'a' && letter <= 'z' ? shift != caps : shift;
    char typed = upper ? shifted[code] : letter;
    return typed == '\033' ? 0 : (uint8_t)typed;
}

void input_rescan(void)
{
    for (int number = 0; number < 32 && count < INPUT_LIMIT; number++) {
        bool known = false;
        for (int i = 0; i < count; i++)
            known |= devices[i].number == number;
        char path[32];
        snprintf(path, sizeof path, "/dev/input/event%d", number);
        int fd = known ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            continue;
        struct input_absinfo x = {0}, y = {0};
        ioctl(fd, EVIOCGABS(ABS_X), &x);
        ioctl(fd, EVIOCGABS(ABS_Y), &y);
        devices[count].fd = fd;
        devices[count].number = number;
        devices[count].min_x = x.minimum;
        devices[count].max_x = x.maximum;
        devices[count].min_y = y.minimum;
        devices[count++].max_y = y.maximum;
    }
}

int input_count(void)
{
    return count;
}

int input_descriptor(int index)
{
    return devices[index].fd;
}

/* Hosts round a pixel's place up or down by less than half a pixel; rounding to the nearest undoes that. */
static int to_pixel(int value, int minimum, int maximum, int size)
{
    if (maximum <= minimum)
        return 0;
    int64_t range = maximum - minimum;
    int pixel = (int)(((int64_t)(value - minimum) * size + range / 2) / range);
    return pixel < 0 ? 0 : pixel >= size ? size - 1 : pixel;
}

static int moved(int value, int by, int size)
{
    value += by;
    return value < 0 ? 0 : value >= size ? size - 1 : value;
}

static unsigned button_bit(int code)
{
    switch (code) {
    case BTN_LEFT: case BTN_TOUCH: return 1;
    case BTN_MIDDLE: return 2;
    case BTN_RIGHT: return 4;
    case BTN_SIDE: return 8;
    case BTN_EXTRA: return 16;
    default: return 0;
    }
}

static void on_key_event(const struct input_event *event)
{
    unsigned bit = button_bit(event->code);
    if (bit) {
        pointer.buttons = event->value ? pointer.buttons | bit : pointer.buttons & ~bit;
        pointer.changed = true;
    } else if (event->code == BTN_GEAR_UP || event->code == BTN_GEAR_DOWN) {
        if (event->value)
            pointer.wheel += event->code == BTN_GEAR_UP ? 1 : -1;
    } else if (event->code < BTN_MISC) {
        if (event->code == KEY_LEFTSHIFT || event->code == KEY_RIGHTSHIFT)
            shift = event->value != 0;
        if (event->code == KEY_CAPSLOCK && event->value == 1)
            caps = !caps;
        on_key(event->code, event->value, event->value ? character_of(event->code) : 0);
    }
}

static void on_report(void)
{
    if (pointer.changed)
        on_pointer(pointer.x, pointer.y, pointer.buttons);
    if (pointer.wheel || pointer.hwheel)
        on_wheel(pointer.wheel, pointer.hwheel);
    pointer.changed = false;
    pointer.wheel = pointer.hwheel = 0;
}

static void on_event(int i, const struct input_event *event, const struct screen *screen)
{
    int code = event->code, value = event->value;
    if (event->type == EV_KEY) {
        on_key_event(event);
    } else if (event->type == EV_ABS && (code == ABS_X || code == ABS_Y)) {
        if (code == ABS_X)
            pointer.x = to_pixel(value, devices[i].min_x, devices[i].max_x, screen->width);
        else
            pointer.y = to_pixel(value, devices[i].min_y, devices[i].max_y, screen->height);
        pointer.changed = true;
    } else if (event->type == EV_REL && (code == REL_X || code == REL_Y)) {
        if (code == REL_X)
            pointer.x = moved(pointer.x, value, screen->width);
        else
            pointer.y = moved(pointer.y, value, screen->height);
        pointer.changed = true;
    } else if (event->type == EV_REL && code == REL_WHEEL) {
        pointer.wheel += value;
    } else if (event->type == EV_REL && code == REL_HWHEEL) {
        pointer.hwheel += value;
    } else if (event->type == EV_SYN && code == SYN_REPORT) {
        on_report();
    }
}

void input_read(int index, const struct screen *screen)
{
    struct input_event events[64];
    ssize_t got;
    while ((got = read(devices[index].fd, events, sizeof events)) > 0)
        for (size_t i = 0; i < got / sizeof events[0]; i++)
            on_event(index, &events[i], screen);
    if (got < 0 && access("/dev/input", F_OK) == 0) {
        char path[32];
        snprintf(path, sizeof path, "/dev/input/event%d", devices[index].number);
        if (access(path, F_OK) == 0)
            return;
        close(devices[index].fd); /* unplugged */
        devices[index] = devices[--count];
    }
}
