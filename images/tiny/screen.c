/* Mode setting with "dumb" buffers: the only interface that follows a display whose size changes. */
#include "guest.h"

#include <libdrm/drm.h>
#include <libdrm/drm_mode.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MODES 512 /* the kernel copies all modes or none */
#define OBJECTS 8
#define CURSOR_SIZE 64

bool screen_open(struct screen *screen)
{
    memset(screen, 0, sizeof *screen);
    screen->fd = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
    return screen->fd >= 0;
}

/* The mode the display prefers, its first connected connector and the first crtc. */
static bool preferred_mode(struct screen *screen, struct drm_mode_modeinfo *mode)
{
    uint32_t connectors[OBJECTS], crtcs[OBJECTS], encoders[OBJECTS];
    struct drm_mode_card_res card = {
        .connector_id_ptr = (uintptr_t)connectors, .count_connectors = OBJECTS,
        .crtc_id_ptr = (uintptr_t)crtcs, .count_crtcs = OBJECTS,
    };
    if (ioctl(screen->fd, DRM_IOCTL_MODE_GETRESOURCES, &card) < 0 || !card.count_crtcs)
        return false;
    screen->crtc = crtcs[0];
    for (unsigned i = 0; i < card.count_connectors && i < OBJECTS; i++) {
        static struct drm_mode_modeinfo modes[MODES];
        struct drm_mode_get_connector asked = {.connector_id = connectors[i]};
        /* Asking with no room for modes is what makes the kernel probe the display again. */
        if (ioctl(screen->fd, DRM_IOCTL_MODE_GETCONNECTOR, &asked) < 0 || asked.connection != 1)
            continue;
        struct drm_mode_get_connector connector = {
            .connector_id = connectors[i],
            .modes_ptr = (uintptr_t)modes, .count_modes = MODES,
            .encoders_ptr = (uintptr_t)encoders, .count_encoders = OBJECTS,
        };
        if (ioctl(screen->fd, DRM_IOCTL_MODE_GETCONNECTOR, &connector) < 0 || !connector.count_modes ||
            connector.count_modes > MODES)
            continue;
        screen->connector = connectors[i];
        *mode = modes[0];
        for (unsigned m = 0; m < connector.count_modes; m++)
            if (modes[m].type & DRM_MODE_TYPE_PREFERRED) {
                *mode = modes[m];
                break;
            }
        return true;
    }
    return false;
}

/* A new buffer that the CPU draws into; NULL when the kernel has no room for it. */
static uint32_t *make_buffer(int fd, int width, int height, struct drm_mode_create_dumb *made)
{
    *made = (struct drm_mode_create_dumb){.width = width, .height = height, .bpp = 32};
    if (ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, made) < 0)
        return NULL;
    struct drm_mode_map_dumb map = {.handle = made->handle};
    if (ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map) < 0)
        return NULL;
    void *pixels = mmap(NULL, made->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, map.offset);
    return pixels == MAP_FAILED ? NULL : pixels;
}

static void drop_buffer(struct screen *screen)
{
    if (!screen->pixels)
        return;
    munmap(screen->pixels, screen->bytes);
    ioctl(screen->fd, DRM_IOCTL_MODE_RMFB, &screen->framebuffer);
    struct drm_mode_destroy_dumb destroy = {.handle = screen->buffer};
    ioctl(screen->fd, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
}

bool screen_follow(struct screen *screen)
{
    struct drm_mode_modeinfo mode;
    if (!preferred_mode(screen, &mode))
        return false;
    if (screen->pixels && mode.hdisplay == screen->width && mode.vdisplay == screen->height)
        return false;
    struct drm_mode_create_dumb made;
    uint32_t *pixels = make_buffer(screen->fd, mode.hdisplay, mode.vdisplay, &made);
    if (!pixels)
        return false;
    struct drm_mode_fb_cmd add = {
        .width = mode.hdisplay, .height = mode.vdisplay, .pitch = made.pitch,
        .bpp = 32, .depth = 24, .handle = made.handle,
    };
    if (ioctl(screen->fd, DRM_IOCTL_MODE_ADDFB, &add) < 0)
        return false;
    struct screen old = *screen;
    screen->framebuffer = add.fb_id;
    screen->buffer = made.handle;
    screen->pixels = pixels;
    screen->bytes = made.size;
    screen->width = mode.hdisplay;
    screen->height = mode.vdisplay;
    screen->stride = made.pitch / 4;
    /* Drawn before it is shown: nobody sees a half-made picture. */
    paint_all(screen);
    struct drm_mode_crtc crtc = {
        .crtc_id = screen->crtc, .fb_id = screen->framebuffer, .mode_valid = 1, .mode = mode,
        .set_connectors_ptr = (uintptr_t)&screen->connector, .count_connectors = 1,
    };
    ioctl(screen->fd, DRM_IOCTL_MODE_SETCRTC, &crtc);
    screen_flush(screen, 0, 0, screen->width, screen->height);
    drop_buffer(&old);
    return true;
}

void screen_flush(struct screen *screen, int x, int y, int width, int height)
{
    struct drm_clip_rect clip = {.x1 = x, .y1 = y, .x2 = x + width, .y2 = y + height};
    struct drm_mode_fb_dirty_cmd dirty = {
        .fb_id = screen->framebuffer, .num_clips = 1, .clips_ptr = (uintptr_t)&clip,
    };
    ioctl(screen->fd, DRM_IOCTL_MODE_DIRTYFB, &dirty); /* bochs shows writes at once and refuses this */
}

void screen_show_cursor(struct screen *screen)
{
    struct drm_mode_create_dumb made;
    uint32_t *pixels = make_buffer(screen->fd, CURSOR_SIZE, CURSOR_SIZE, &made);
    if (!pixels)
        return;
    /* An arrow: a white triangle with a black edge and a half transparent tail, its tip at 0,0. */
    for (int y = 0; y < CURSOR_SIZE; y++)
        for (int x = 0; x < CURSOR_SIZE; x++) {
            uint32_t colour = 0;
            if (y < 20 && x <= y * 2 / 3)
                colour = (x == 0 || x == y * 2 / 3 || y == 19) ? 0xff000000 : 0xffffffff;
            else if (y >= 20 && y < 26 && x < 6)
                colour = 0x80000000;
            pixels[y * (made.pitch / 4) + x] = colour;
        }
    struct drm_mode_cursor2 cursor = {
        .flags = DRM_MODE_CURSOR_BO, .crtc_id = screen->crtc,
        .width = CURSOR_SIZE, .height = CURSOR_SIZE, .handle = made.handle,
    };
    ioctl(screen->fd, DRM_IOCTL_MODE_CURSOR2, &cursor);
}

void screen_move_cursor(struct screen *screen, int x, int y)
{
    struct drm_mode_cursor cursor = {
        .flags = DRM_MODE_CURSOR_MOVE, .crtc_id = screen->crtc, .x = x, .y = y,
    };
    ioctl(screen->fd, DRM_IOCTL_MODE_CURSOR, &cursor);
}
